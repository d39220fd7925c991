//! What a token grants is what its bearer may do.

use cowrite_protocol::frame::{Code, Role};
use cowrite_tests::server::{ServerProcess, mint, start_in_vain};

use crate::caller::Caller;

#[tokio::test]
async fn a_token_grants_documents_by_name_and_by_pattern() {
    let server = ServerProcess::with_tokens(&["--memory"]);
    let token =
        mint("ada", &[("team-*", "editor"), ("team-secret", "viewer"), ("mine", "owner"), ("x-*", "commenter")]);
    let mut ada = Caller::hello(&server, &token).await.ok().unwrap();
    for (document, role) in [
        ("team-notes", Ok(Role::Editor)),
        ("team-secret", Ok(Role::Viewer)),
        ("mine", Ok(Role::Owner)),
        ("x-1", Ok(Role::Commenter)),
        ("others", Err((Code::AccessDenied, 0))),
    ] {
        assert_eq!(ada.open(document).await, role, "{document}");
    }
    let mut nobody = Caller::hello(&server, &mint("eve", &[])).await.ok().unwrap();
    assert_eq!(nobody.open("mine").await, Err((Code::AccessDenied, 0)));
    assert_eq!(Caller::hello(&server, "dev:ada").await.err(), Some((Code::Unauthorized, 0)));
}

#[test]
fn a_server_has_one_front_door() {
    let secret = ["--jwt-secret", cowrite_tests::server::SECRET, "--memory", "--listen", "127.0.0.1:0"];
    let ended = start_in_vain(&[&secret[..], &["--dev"]].concat());
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("--dev"), "{ended:?}");
}
