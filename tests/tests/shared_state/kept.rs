//! Revocations on disk: what was answered is there after whatever happens.

use std::fs;
use std::process::Command;
use std::time::Duration;

use cowrite_server::oplog::WallClock;
use cowrite_server::revocations::{
    DiskRevocations, OpenRevocationsError, RevocationSettings, Revocations, RevokeError,
};
use cowrite_tests::process::{Place, Process};

use super::stage::{all_of, token};

fn open(place: &Place) -> Result<Revocations, OpenRevocationsError> {
    DiskRevocations::open(place.folder(), RevocationSettings::default()).map(Revocations::new)
}

#[tokio::test]
async fn a_killed_server_has_forgotten_nothing_that_it_answered() {
    let place = Place::new();
    for round in 0..5 {
        let mut command = Command::new(env!("CARGO_BIN_EXE_revoke_forever"));
        command.arg(place.folder()).arg(round.to_string());
        let mut process = Process::start(command);
        let enough = process.stdout().wait_for(Duration::from_secs(20), |line| line.ends_with("-30").then_some(()));
        process.kill_9();
        assert!(enough.is_some(), "{}", process.log().text());
        let said = process.stdout().text();
        let revocations = open(&place).unwrap();
        for name in said.lines() {
            assert!(!revocations.check(&token(name, None, None)), "{name} was revoked");
        }
        println!("round {round}: {} known", revocations.list().len());
    }
}

#[tokio::test]
async fn half_a_line_is_cut_off_and_a_damaged_one_stops_the_start() {
    let place = Place::new();
    let revocations = open(&place).unwrap();
    for name in ["ada", "bob"] {
        revocations.revoke(all_of(name, None)).await.unwrap();
    }
    drop(revocations);
    let file = place.path("revocations");
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() - 3]).unwrap();
    let revocations = open(&place).unwrap();
    assert_eq!(revocations.list().len(), 1);
    // Nothing is glued to what was cut off.
    revocations.revoke(all_of("eve", None)).await.unwrap();
    assert_eq!(open(&place).unwrap().list().len(), 2);
    let mut damaged = whole.clone();
    damaged[20] ^= 1;
    fs::write(&file, &damaged).unwrap();
    assert!(matches!(open(&place), Err(OpenRevocationsError::Damaged { line: 1, .. })));
}

#[tokio::test]
async fn what_cannot_be_written_is_not_said_to_be_revoked() {
    let place = Place::new();
    let revocations = open(&place).unwrap();
    // It cannot be written anew, which it wants to be after a thousand lines of one revocation.
    fs::create_dir(place.path("revocations.new")).unwrap();
    let mut stored = 0;
    let refused = loop {
        match revocations.revoke(all_of("ada", None)).await {
            Ok(_) => stored += 1,
            Err(refused) => break refused,
        }
        assert!(stored < 2_000, "it is never written anew");
    };
    assert!(matches!(refused, RevokeError::Unavailable { .. }), "{refused:?}");
    assert!(revocations.revoke(all_of("bob", None)).await.is_err());
    assert!(revocations.check(&token("bob", None, None)), "it is not stored");
    fs::remove_dir(place.path("revocations.new")).unwrap();
    revocations.revoke(all_of("bob", None)).await.unwrap();
    assert_eq!(open(&place).unwrap().list().len(), 2);
}

#[tokio::test]
async fn the_file_stays_small_and_forgets_what_has_ended() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    let place = Place::new();
    let now = Arc::new(AtomicU64::new(1_700_000_000_000));
    let clock = WallClock::from_fn({
        let now = Arc::clone(&now);
        move || now.load(Ordering::Relaxed)
    });
    let settings = RevocationSettings { clock, ..Default::default() };
    let revocations = Revocations::new(DiskRevocations::open(place.folder(), settings.clone()).unwrap());
    for _ in 0..1_200 {
        now.fetch_add(1, Ordering::Relaxed);
        revocations.revoke(all_of("ada", None)).await.unwrap();
    }
    let lines = fs::read_to_string(place.path("revocations")).unwrap().lines().count();
    assert!(lines < 300, "{lines} lines of one revocation");
    now.fetch_add(settings.kept_ms() - 2, Ordering::Relaxed);
    assert_eq!(revocations.list().len(), 1);
    now.fetch_add(1_500, Ordering::Relaxed);
    assert_eq!(revocations.list().len(), 0);
    let again = DiskRevocations::open(place.folder(), settings).unwrap();
    assert_eq!(Revocations::new(again).list().len(), 0);
    assert_eq!(fs::read(place.path("revocations")).unwrap(), b"");
}
