//! Seeded runs of real engines, rooms and a log over a hostile network; see docs/simulation.md.

use std::time::Duration;

use cowrite_tests::simulation::{Report, Scenario, World, run_series};

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|value| value.parse().ok())
}

/// `COWRITE_RUNS=n` asks for more runs of each kind than usual, `COWRITE_FROM=n` for other seeds, and
/// `COWRITE_SHRINK=n` for other than twenty seconds of looking for a smaller run that fails as well.
fn runs(usual: u64, name: &str) -> Report {
    let kind = Scenario::KINDS.into_iter().find(|(known, _)| *known == name);
    let Some((_, kind)) = kind else { panic!("there is no kind of scenario called {name}") };
    let from = number("COWRITE_FROM").unwrap_or(0);
    let seeds = from..from + number("COWRITE_RUNS").unwrap_or(usual);
    let shrinking = Duration::from_secs(number("COWRITE_SHRINK").unwrap_or(20));
    run_series(name, kind, seeds, shrinking).unwrap_or_else(|failure| panic!("{failure}"))
}

/// The runs must have met what they are for, if there were as many as usual.
fn met(sum: &Report, enough: bool) {
    assert!(enough || number("COWRITE_RUNS").is_some(), "{sum:?}");
}

#[test]
fn every_edit_is_in_the_log_once_and_all_replicas_are_equal() {
    let sum = runs(560, "storm");
    met(&sum, sum.cuts > 100 && sum.kills > 50 && sum.log_faults > 100);
    met(&sum, sum.composed > 100 && sum.presence > 1_000);
}

#[test]
fn pages_that_are_killed_come_back_with_what_their_device_kept() {
    let sum = runs(250, "devices");
    met(&sum, sum.pages > 500);
}

#[test]
fn a_log_that_loses_history_is_noticed_and_nothing_is_doubled() {
    let sum = runs(150, "lossy");
    met(&sum, sum.whole_losses > 20);
}

#[test]
fn a_log_that_loses_history_again_and_again_is_noticed_and_nothing_durable_is_lost() {
    runs(150, "losses");
}

#[test]
fn a_log_that_comes_back_from_a_copy_costs_nobody_an_edit_unheard() {
    let sum = runs(150, "copies");
    met(&sum, sum.restored > 100);
}

#[test]
fn an_undo_is_an_edit_like_any_other() {
    let sum = runs(200, "undoing");
    met(&sum, sum.undone > 1_000);
}

#[test]
fn rights_that_come_and_go_cost_nobody_an_edit() {
    let sum = runs(200, "access");
    met(&sum, sum.demotions > 200);
}

#[test]
fn who_is_shut_out_sees_nothing_that_is_written_meanwhile() {
    let sum = runs(150, "banning");
    met(&sum, sum.bans > 200 && sum.late > 100);
}

#[test]
fn what_arrives_garbled_is_noticed_and_loaded_anew() {
    let sum = runs(100, "garbling");
    met(&sum, sum.garbled > 20);
}

#[test]
fn sleep_absence_torn_messages_and_sockets_that_linger_cost_nobody_an_edit() {
    let sum = runs(200, "hardship");
    met(&sum, sum.sleeps > 100 && sum.absences > 100 && sum.torn > 50 && sum.lingering > 50 && sum.typed > 500);
}

#[test]
fn a_document_that_is_deleted_is_gone_and_one_made_anew_holds_nothing_of_it() {
    let sum = runs(150, "deleting");
    met(&sum, sum.deletions > 200 && sum.anew > 100 && sum.refused_deleted > 100);
}

#[test]
fn a_document_that_is_deleted_is_gone_also_where_the_log_loses_history() {
    let sum = runs(100, "vanishing");
    met(&sum, sum.deletions > 100 && sum.restored > 30);
}

#[test]
fn everything_at_once_loses_and_doubles_nothing() {
    runs(40, "everything");
}

/// Runs that have found something once.
#[test]
fn what_failed_once_does_not_fail_again() {
    for line in include_str!("../corpus/simulation.txt").lines().filter(|line| !line.starts_with('#')) {
        let scenario: Scenario = line.parse().unwrap_or_else(|error| panic!("{line}: {error}"));
        if let Err(fault) = World::run(scenario) {
            panic!("{fault}\n{line}");
        }
    }
}

/// `COWRITE_REPLAY='seed=7 …'` looks at one run closely. Without it: what is replayed is what was run.
#[test]
fn a_run_can_be_replayed_from_its_line() {
    let Ok(line) = std::env::var("COWRITE_REPLAY") else {
        for (name, kind) in Scenario::KINDS {
            let scenario = kind(3);
            let again: Scenario = scenario.to_string().parse().unwrap();
            let (first, second) = (World::run(scenario).unwrap(), World::run(again).unwrap());
            assert_eq!(format!("{first:?}"), format!("{second:?}"), "{name}");
        }
        return;
    };
    let _ = tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG).try_init();
    let scenario: Scenario = line.parse().unwrap_or_else(|error| panic!("{line}: {error}"));
    match World::run(scenario) {
        Ok(report) => println!("{report:?}"),
        Err(fault) => panic!("{fault}"),
    }
}
