//! A document's first edits.

use std::collections::BTreeSet;

use cowrite_tests::crowd::{Crowd, CrowdSettings};
use cowrite_tests::redis::RedisProcess;
use cowrite_tests::relay::Ways;

use super::scene::*;

/// Two servers get the first edits of the same new documents at once. Each has one epoch, and
/// nobody loads it anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c25_the_first_edits_at_two_servers_make_one_history() {
    let redis = RedisProcess::start(&[]);
    let servers = Servers::start(redis.address(), &[]);
    // An odd number of documents: the two people of each are at different servers.
    let settings = CrowdSettings { clients: 22, documents: 11, ..CrowdSettings::default() };
    let mut crowd = Crowd::gather(&servers.addresses(), settings).await;
    let mut listening = listen(&crowd);
    crowd.people().iter().for_each(|person| person.relay().hole(Ways::Up));
    crowd.start_typing();
    crowd.until_loaded(22).await;
    assert!(epochs(&redis, &crowd).iter().all(String::is_empty), "something is written before it was let go");
    crowd.release();
    crowd.until_accepted(200, PATIENCE).await;
    crowd.settle(PATIENCE).await.unwrap();
    for document in crowd.documents() {
        let people = crowd.people().iter().filter(|person| *person.id() == document);
        let known = people.filter_map(|person| person.document().read(|engine| engine.position()).flatten());
        let known: BTreeSet<String> = known.filter_map(|at| at.epoch).map(|epoch| epoch.to_string()).collect();
        let stored = BTreeSet::from([field(&redis, &document, "epoch")]);
        assert!(known.is_subset(&stored), "{document}: clients know {known:?}, the log is in {stored:?}");
    }
    assert!(!listening.iter_mut().any(has_reopened), "somebody had to open a document again");
    let report = end_without_loss(crowd).await;
    assert_eq!((report.reopened, report.diverged, report.merged), (0, 0, 0), "{report:?}");
}
