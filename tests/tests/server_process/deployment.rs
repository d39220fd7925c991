//! What an operator is given, image, compose file, balancer and manual, fits the program.

use std::collections::BTreeSet;
use std::path::Path;

use cowrite_server::connection::ConnectionSettings;
use cowrite_server::settings::ShutdownSettings;

use cowrite_tests::redis::{RedisProcess, reply_text};
use cowrite_tests::server::{ServerProcess, start_in_vain};
use redis::Value;

use crate::typist::Typist;

#[test]
fn the_image_is_built_from_every_manifest_with_the_compiler_that_is_asked_for() {
    let (manifest, recipe) = (file("Cargo.toml"), file("Dockerfile"));
    let members = between(&manifest, "members = [", "]").replace(['"', ','], "");
    assert!(members.split(' ').count() > 3, "{members}");
    for member in members.split(' ') {
        assert!(recipe.contains(&format!("\nCOPY {member}/Cargo.toml {member}/\n")), "{member}");
    }
    assert_eq!(between(&recipe, "for member in ", ";"), members);
    let version = between(&manifest, "rust-version = \"", "\"");
    assert_eq!(between(&recipe, "FROM rust:", "-"), version);
}

#[test]
fn containers_and_the_balancer_wait_longer_than_the_server() {
    let (compose, balancer) = (file("compose.yaml"), file("deploy/haproxy.cfg"));
    let anchor = between(&compose, "x-cowrite:", "\nservices:");
    let grace: u64 = between(anchor, "stop_grace_period: ", "s").parse().unwrap();
    assert!(grace * 1_000 > ShutdownSettings::default().deadline_ms + 5_000, "{grace} s");
    let tunnel: u64 = between(&balancer, "timeout tunnel ", "m").parse().unwrap();
    assert!(tunnel * 60_000 > ConnectionSettings::default().silence_ms + 30_000, "{tunnel} min");
}

#[test]
fn flags_and_variables_that_an_operator_is_told_of_are_there() {
    let help = start_in_vain(&["--help"]).stdout;
    let known = names(&help);
    assert!(known.contains("COWRITE_LISTEN") && known.contains("--listen"), "{help}");
    for path in ["compose.yaml", "deploy/demo.yaml", "Dockerfile", "README.md"] {
        let text = file(path);
        let told: BTreeSet<_> = names(&text).into_iter().filter(|name| name.starts_with("COWRITE_")).collect();
        let unknown: Vec<_> = told.difference(&known).filter(|name| !NOT_OURS.contains(name)).collect();
        assert!(unknown.is_empty(), "{path}: {unknown:?}");
    }
    let manual = file("docs/production.md");
    let unknown: Vec<_> = names(&manual).difference(&known).copied().filter(|name| !NOT_OURS.contains(name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[tokio::test]
async fn the_rights_that_the_manual_gives_in_redis_are_enough_and_a_missing_one_is_named() {
    let redis = RedisProcess::start(&["appendonly yes"]);
    let manual = file("docs/production.md");
    let rights = between(&manual, "\nACL SETUSER cowrite on >PASSWORD ", "\n");
    let allow = |rights: &str| {
        redis.command(&[&["ACL", "SETUSER", "cowrite"], &rights.split(' ').collect::<Vec<_>>()[..]].concat());
    };
    allow(&format!("reset on >PASSWORD {rights}"));
    let url = format!("redis://cowrite:PASSWORD@{}", redis.address());
    // Little is kept, so that trimming is seen too.
    let server = ServerProcess::on_redis(&url, &["--snapshot-entries", "20", "--retained-entries", "20"]);
    let mut typist = Typist::sit_down(&server.url(), "notes", 1).await;
    typist.type_to(100, 0).await;
    typist.finish().await;
    let Value::Array(refused) = redis.command(&["ACL", "LOG"]) else { panic!("the log of refusals is a list") };
    assert!(refused.is_empty(), "{refused:?}");

    for missing in ["time", "eval", "spublish", "hset", "xadd", "xtrim", "rename", "get", "info", "memory|usage"] {
        allow(&format!("-{missing}"));
        let ended = start_in_vain(&["--dev", "--listen", "127.0.0.1:0", "--redis", &url]);
        let says = ended.stderr.contains("does not let this user") && ended.stderr.contains(rights);
        assert!(ended.code == Some(2) && says, "{missing}: {ended:?}");
        assert!(!ended.stderr.contains("PASSWORD"), "{ended:?}");
        allow(&format!("+{missing}"));
    }
    for more in [&["FLUSHALL"][..], &["KEYS", "*"], &["GET", "other"], &["CONFIG", "SET", "appendfsync", "no"]] {
        let refused = redis.try_command(&[&["ACL", "DRYRUN", "cowrite"], more].concat());
        assert_ne!(refused.ok().as_ref().and_then(reply_text).as_deref(), Some("OK"), "{more:?}");
    }
}

/// What other programs call theirs.
const NOT_OURS: [&str; 7] = ["--release", "--detach", "--no-deps", "--wait", "--build", "COWRITE_SEED", "COWRITE_"];

/// The flags and variables of a text.
fn names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-');
    words
        .filter(|word| {
            word.starts_with("COWRITE_") || word.len() > 2 && word.starts_with("--") && !word.starts_with("---")
        })
        .collect()
}

fn file(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before:?}"));
    rest.split_once(after).unwrap_or_else(|| panic!("no {after:?} behind {before:?}")).0
}
