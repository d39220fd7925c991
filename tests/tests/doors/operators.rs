//! What operators see, and where.

use cowrite_tests::process::{Place, free_port};
use cowrite_tests::server::{ServerProcess, get, start_in_vain};

use crate::wire::{connect, upgrade};

#[tokio::test]
async fn operators_have_a_port_of_their_own_if_they_want_one() {
    let operators = format!("127.0.0.1:{}", free_port());
    let mut server = ServerProcess::with_flags(&[
        "--memory",
        "--operator-listen",
        &operators,
        "--spread-ms",
        "60000",
        "--shutdown-ms",
        "60000",
    ]);
    let operators = operators.parse().unwrap();
    let status = async |address, path: &'static str| get(address, path).await.unwrap().status;
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(status(operators, path).await, 200, "{path}");
        assert_eq!(status(server.address(), path).await, 404, "{path}");
    }
    assert_eq!(upgrade(&mut connect(operators).await, &[]).await, 404);
    let mut guest = connect(server.address()).await;
    assert_eq!(upgrade(&mut guest, &[]).await, 101);
    let check = ["--listen", "127.0.0.1:1", "--operator-listen", &operators.to_string(), "--health-check"];
    assert_eq!(start_in_vain(&check).code, Some(0));
    // They are answered until the end.
    server.terminate();
    let going = |line: &str| line.contains("going down").then_some(());
    server.process().log().wait_for(crate::wire::PATIENCE, going).unwrap();
    assert_eq!(status(operators, "/healthz").await, 200);
    assert_eq!(status(operators, "/readyz").await, 503);
    assert_eq!(upgrade(&mut connect(server.address()).await, &[]).await, 503);
    drop(guest);
    assert_eq!(server.wait().0, Some(0));
}

#[test]
fn what_a_server_would_say_at_its_start_is_said_before() {
    let place = Place::new();
    let data = place.path("not-there-yet");
    let data = data.to_str().unwrap();
    let good = start_in_vain(&["check-config", "--dev", "--listen", "127.0.0.1:0", "--data", data]);
    assert_eq!(good.code, Some(0), "{good:?}");
    assert!(good.stdout.contains("--data") && !good.stdout.contains("ERROR"), "{good:?}");
    assert!(!std::path::Path::new(data).exists(), "a check changes nothing");

    let secret = place.path("secret");
    std::fs::write(&secret, "a secret that is long enough for HS256, at least").unwrap();
    let tokens = ["check-config", "--memory", "--listen", "127.0.0.1:0", "--jwt-secret-file", secret.to_str().unwrap()];
    let good = start_in_vain(&tokens);
    assert_eq!(good.code, Some(0), "{good:?}");
    // Nobody named a page.
    assert!(good.stdout.lines().any(|line| line.starts_with("warning") && line.contains("--allowed-origins")));
    let both = start_in_vain(&[&tokens[..], &["--dev"]].concat());
    assert_eq!(both.code, Some(2), "{both:?}");

    let file = place.path("file");
    std::fs::write(&file, "not a folder").unwrap();
    let server = ServerProcess::with_flags(&["--memory"]);
    let taken = server.address().to_string();
    let here = ["check-config", "--dev", "--memory", "--listen", "127.0.0.1:0"];
    for (flags, says) in [
        (&["check-config", "--memory", "--listen", "127.0.0.1:0"][..], "--dev"),
        (&["check-config", "--dev", "--memory", "--listen", "0.0.0.0:0"], "loopback"),
        (&["check-config", "--dev", "--memory", "--listen", &taken], "cannot listen"),
        (&[&here[..], &["--operator-listen", &taken]].concat(), "--operator-listen"),
        (&[&here[..], &["--static", "/no/such/folder"]].concat(), "--static"),
        (&["check-config", "--dev", "--listen", "127.0.0.1:0", "--data", file.to_str().unwrap()], "--data"),
        (&["check-config", "--dev", "--listen", "127.0.0.1:0", "--redis", "redis://127.0.0.1:1"], "--redis"),
        (&["check-config", "--memory", "--listen", "127.0.0.1:0", "--require-origin"], "--require-origin"),
    ] {
        let bad = start_in_vain(flags);
        assert_eq!(bad.code, Some(2), "{flags:?}: {bad:?}");
        assert!(bad.stdout.lines().any(|line| line.starts_with("ERROR") && line.contains(says)), "{flags:?}: {bad:?}");
    }
    // What makes no sense at all is refused with the name of the setting.
    for (flag, value) in [
        ("--handshake-ms", "1"),
        ("--connections", "0"),
        ("--strangers", "0"),
        ("--trusted-proxies", "everybody"),
        ("--allowed-origins", "*"),
        ("--operator-listen", "nowhere"),
    ] {
        let bad = start_in_vain(&[&here[..], &[flag, value]].concat());
        assert_eq!(bad.code, Some(2), "{flag}: {bad:?}");
        assert!(bad.stderr.contains(flag), "{flag}: {bad:?}");
    }
    // Two addresses that are one.
    let same = format!("127.0.0.1:{}", free_port());
    let bad = start_in_vain(&["check-config", "--dev", "--memory", "--listen", &same, "--operator-listen", &same]);
    assert_eq!(bad.code, Some(2), "{bad:?}");
}

#[test]
fn what_may_not_be_what_was_meant_is_a_warning() {
    for (flags, says) in [
        (&["--connections", "9000000"][..], "ulimit"),
        (&["--ping-ms", "100", "--silence-ms", "100"], "--ping-ms"),
        (&["--spread-ms", "100", "--shutdown-ms", "10"], "--spread-ms"),
    ] {
        let here = ["check-config", "--dev", "--memory", "--listen", "127.0.0.1:0"];
        let doubtful = start_in_vain(&[&here[..], flags].concat());
        assert_eq!(doubtful.code, Some(0), "{flags:?}: {doubtful:?}");
        let warned = |line: &str| line.starts_with("warning") && line.contains(says);
        assert!(doubtful.stdout.lines().any(warned), "{flags:?}: {doubtful:?}");
    }
}
