//! Tokens for users of a test.

use std::time::Duration;

use cowrite_server::auth::{AuthSettings, Minter, Minting, RoleName};

/// What servers started by [`ServerProcess::with_tokens`](super::ServerProcess::with_tokens) verify
/// tokens with (HS256).
pub const SECRET: &str = "the tests' own secret, forty bytes or so";

/// A token of this user for an hour, with these roles: `mint("ada", &[("notes", "editor"), ("*",
/// "viewer")])`.
///
/// # Panics
/// If no such token can be.
pub fn mint(user: &str, grants: &[(&str, &str)]) -> String {
    mint_for(user, grants, Duration::from_hours(1))
}

/// One that is good for so long, in whole seconds, and a server's leeway more (30 s unless
/// `--token-leeway-s` says otherwise).
///
/// # Panics
/// If no such token can be.
pub fn mint_for(user: &str, grants: &[(&str, &str)], lasts: Duration) -> String {
    let secret = SECRET.parse().expect("it is long enough");
    let settings = AuthSettings { secrets: vec![secret], ..AuthSettings::default() };
    let grant = |(document, role): &(&str, &str)| {
        let role: RoleName = role.parse().expect("a role");
        (document.parse().expect("a document or pattern"), role.0)
    };
    let documents = grants.iter().map(grant).collect();
    let minting = Minting { user: user.parse().expect("a user"), name: user.to_owned(), documents, lasts };
    Minter::new(&settings).expect("there is a secret").mint(&minting).expect("a token")
}
