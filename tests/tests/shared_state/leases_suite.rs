//! What is true of leases wherever they are kept.

use std::sync::Arc;
use std::time::Duration;

use cowrite_server::leases::{LeaseRefused, LeaseSettings, Leases, LocalLeases};
use futures_util::FutureExt;
use futures_util::future::join_all;

use super::stage::{Place, until, user};

macro_rules! suite {
    ($place:expr, $leases:expr) => {
        #[tokio::test]
        async fn a_user_has_as_many_as_are_allowed() {
            let _place = $place;
            super::limit(&*$leases(&_place)).await;
        }

        #[tokio::test]
        async fn what_is_dropped_is_free_at_once() {
            let _place = $place;
            super::release($leases(&_place)).await;
        }

        #[tokio::test]
        async fn user_ids_are_what_they_are() {
            let _place = $place;
            super::hostile(&*$leases(&_place)).await;
        }

        #[tokio::test]
        async fn many_at_once_are_counted_right() {
            let _place = $place;
            super::crowd($leases(&_place)).await;
        }

        #[tokio::test]
        async fn who_does_not_wait_takes_nothing() {
            let _place = $place;
            super::given_up($leases(&_place)).await;
        }
    };
}

mod local {
    fn leases(_: &()) -> std::sync::Arc<dyn super::Leases> {
        std::sync::Arc::new(super::LocalLeases::new(super::LeaseSettings::default()))
    }

    suite!((), leases);
}

mod redis {
    suite!(super::Place::single(), super::over);
}

mod cluster {
    suite!(super::Place::cluster(), super::over);
}

fn over(place: &Place) -> Arc<dyn Leases> {
    Arc::new(place.log().leases(LeaseSettings::default()))
}

async fn limit(leases: &dyn Leases) {
    let (ada, bob) = (user("ada"), user("bob"));
    let mut held = Vec::new();
    for _ in 0..10 {
        held.push(leases.take(&ada, 10).await.unwrap());
    }
    let refused = leases.take(&ada, 10).await.unwrap_err();
    let LeaseRefused::Full { limit: 10, retry_after_ms: 1_000..=30_000 } = refused else { panic!("{refused:?}") };
    held.push(leases.take(&bob, 1).await.unwrap());
    assert_eq!(leases.held(), 11);
}

async fn release(leases: Arc<dyn Leases>) {
    let ada = user("ada");
    let first = leases.take(&ada, 1).await.unwrap();
    assert!(leases.take(&ada, 1).await.is_err());
    drop(first);
    let second = Arc::new(std::sync::Mutex::new(None));
    let free = until("it is free", async || {
        let taken = leases.take(&ada, 1).await.ok();
        let is_taken = taken.is_some();
        *second.lock().unwrap() = taken;
        is_taken
    })
    .await;
    assert!(free < Duration::from_secs(1), "{free:?}");
    let lease = second.lock().unwrap().take().unwrap();
    // The task of a connection panics.
    let task = tokio::spawn(async move {
        let _lease = lease;
        panic!("a test's own panic");
    });
    assert!(task.await.is_err());
    let free = until("it is free", async || leases.take(&ada, 1).await.is_ok()).await;
    assert!(free < Duration::from_secs(1), "{free:?}");
    assert_eq!(leases.held(), 0);
}

async fn hostile(leases: &dyn Leases) {
    let names = ["a", "A", "{a}", "a}", "%61", "a b", "a:state", "ä", "*", &"x".repeat(128)];
    let mut held = Vec::new();
    for name in names {
        held.push(leases.take(&user(name), 1).await.unwrap_or_else(|refused| panic!("{name}: {refused}")));
        assert!(leases.take(&user(name), 1).await.is_err(), "{name}");
    }
}

async fn crowd(leases: Arc<dyn Leases>) {
    let asked = join_all((0..60).map(async |_| leases.take(&user("ada"), 7).await)).await;
    assert_eq!(asked.iter().filter(|taken| taken.is_ok()).count(), 7);
}

async fn given_up(leases: Arc<dyn Leases>) {
    for _ in 0..20 {
        // Asked once: what it sends is under way, and then nobody waits for it.
        let _ = leases.take(&user("ada"), 1).now_or_never();
    }
    until("nothing is held", async || leases.held() == 0).await;
    let free = until("it is free", async || leases.take(&user("ada"), 1).await.is_ok()).await;
    assert!(free < Duration::from_secs(2), "{free:?}");
}
