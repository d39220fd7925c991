//! What is true of revocations wherever they are kept.

use cowrite_server::oplog::WallClock;
use cowrite_server::revocations::{
    DiskRevocations, MemoryRevocations, RevocationRequest, RevocationSettings, Revocations, RevokeError,
};
use cowrite_tests::process::Place as Folder;

use super::stage::{Place, all_of, token, user};

macro_rules! suite {
    ($place:expr, $open:expr) => {
        #[tokio::test]
        async fn tokens_of_a_user_until_a_time() {
            super::tokens(&$open(&$place).await).await;
        }

        #[tokio::test]
        async fn one_token_alone() {
            super::one_token(&$open(&$place).await).await;
        }

        #[tokio::test]
        async fn the_right_to_one_document_alone() {
            super::document(&$open(&$place).await).await;
        }

        #[tokio::test]
        async fn whoever_watches_a_user_hears() {
            super::watched(&$open(&$place).await).await;
        }

        #[tokio::test]
        async fn names_are_what_they_are() {
            super::names(&$open(&$place).await).await;
        }

        #[tokio::test]
        async fn there_is_an_end_to_what_is_kept() {
            super::bounded(&$open(&$place).await).await;
        }
    };
}

mod memory {
    async fn open(_: &()) -> super::Revocations {
        super::Revocations::new(super::MemoryRevocations::new(super::settings()))
    }

    suite!((), open);
}

mod disk {
    async fn open(folder: &super::Folder) -> super::Revocations {
        super::Revocations::new(super::DiskRevocations::open(folder.folder(), super::settings()).unwrap())
    }

    suite!(super::Folder::new(), open);
}

mod redis {
    suite!(super::Place::single(), super::over);
}

mod cluster {
    suite!(super::Place::cluster(), super::over);
}

async fn over(place: &Place) -> Revocations {
    let revocations = Revocations::new(place.log().revocations(settings()));
    revocations.ready().await;
    revocations
}

fn settings() -> RevocationSettings {
    RevocationSettings { most: 6, most_of_user: 4, clock: WallClock::system(), ..Default::default() }
}

async fn tokens(revocations: &Revocations) {
    let now = revocations.now_ms() / 1_000;
    assert!(revocations.check(&token("ada", None, None)));
    let stored = revocations.revoke(all_of("ada", None)).await.unwrap();
    assert!(stored.issued_before.abs_diff(now) <= 5, "{stored:?}");
    let at = stored.issued_before;
    for old in [None, Some(0), Some(at - 1), Some(at)] {
        assert!(!revocations.check(&token("ada", old, Some("any"))), "{old:?}");
        assert!(!revocations.check_document(&token("ada", old, None), &"notes".parse().unwrap()), "{old:?}");
    }
    assert!(revocations.check(&token("ada", Some(at + 1), None)));
    assert!(revocations.check(&token("bob", None, None)));
    // An earlier time takes nothing back.
    revocations.revoke(all_of("ada", Some(at - 10))).await.unwrap();
    assert!(!revocations.check(&token("ada", Some(at), None)));
    assert_eq!(revocations.list().len(), 1);
}

async fn one_token(revocations: &Revocations) {
    let request = RevocationRequest { token: Some("t-1".parse().unwrap()), ..all_of("ada", None) };
    revocations.revoke(request).await.unwrap();
    assert!(!revocations.check(&token("ada", Some(u64::MAX), Some("t-1"))));
    for other in [token("ada", Some(1), Some("t-2")), token("ada", None, None), token("bob", None, Some("t-1"))] {
        assert!(revocations.check(&other), "{other:?}");
    }
}

async fn document(revocations: &Revocations) {
    let (notes, other) = ("notes".parse().unwrap(), "notes-2".parse().unwrap());
    let request = RevocationRequest { document: Some("notes".parse().unwrap()), ..all_of("ada", None) };
    let at = revocations.revoke(request).await.unwrap().issued_before;
    let old = token("ada", Some(at), None);
    assert!(revocations.check(&old));
    assert!(!revocations.check_document(&old, &notes));
    assert!(revocations.check_document(&old, &other));
    assert!(revocations.check_document(&token("ada", Some(at + 1), None), &notes));
    assert!(revocations.check_document(&token("bob", None, None), &notes));
}

async fn watched(revocations: &Revocations) {
    let (mut ada, mut bob) = (revocations.watch(&user("ada")), revocations.watch(&user("bob")));
    revocations.revoke(all_of("ada", None)).await.unwrap();
    ada.changed().await;
    assert!(!revocations.check(&token("ada", None, None)));
    let quiet = tokio::time::timeout(std::time::Duration::from_millis(400), bob.changed()).await;
    assert!(quiet.is_err(), "Bob was woken");
}

async fn names(revocations: &Revocations) {
    for name in ["a b", "{x}", "ä\u{2028}", "1"] {
        let request = RevocationRequest { token: Some(name.parse().unwrap()), ..all_of(name, Some(7)) };
        let stored = revocations.revoke(request).await.unwrap();
        assert_eq!((stored.user.as_str(), stored.issued_before), (name, 7));
        assert!(!revocations.check(&token(name, Some(8), Some(name))), "{name}");
    }
    assert_eq!(revocations.list().len(), 4);
}

async fn bounded(revocations: &Revocations) {
    let one =
        |name: &str, id: u32| RevocationRequest { token: Some(id.to_string().parse().unwrap()), ..all_of(name, None) };
    for id in 0..4 {
        revocations.revoke(one("ada", id)).await.unwrap();
    }
    assert_eq!(revocations.revoke(one("ada", 4)).await, Err(RevokeError::UserFull { most: 4 }));
    revocations.revoke(all_of("ada", None)).await.unwrap();
    revocations.revoke(one("bob", 1)).await.unwrap();
    assert_eq!(revocations.revoke(all_of("eve", None)).await, Err(RevokeError::Full { most: 6 }));
}
