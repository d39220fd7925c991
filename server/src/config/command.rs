//! What the program does instead of serving.

use std::time::Duration;

use clap::{Args, Subcommand};
use cowrite_protocol::UserId;
use cowrite_protocol::frame::Role;

use crate::auth::{DocumentPattern, Minting, RoleName};

/// What to do instead of serving.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Print a token for a user, for trying things out. It is signed with the secret of
    /// COWRITE_JWT_SECRET or --jwt-secret-file, as the application would.
    Token(TokenArgs),
    /// Start no server: check the settings as far as that goes, say what was found, and end
    /// with code 0 if a server would start, else with 2.
    CheckConfig,
}

/// What the token says.
#[derive(Clone, Debug, Args)]
pub struct TokenArgs {
    /// Whose it is (`sub`): 1 to 128 bytes.
    #[arg(long, value_name = "USER")]
    user: UserId,
    /// The name that others see.
    #[arg(long, value_name = "NAME", default_value = "")]
    name: String,
    /// What it grants: a document id, or the beginning of one and `*`, and one of viewer, commenter,
    /// editor and owner; such as `notes=editor` or `team-*=viewer`. May be given again.
    #[arg(long = "document", value_name = "PATTERN=ROLE", value_parser = grant)]
    documents: Vec<(DocumentPattern, Role)>,
    /// Minutes that it is good for.
    #[arg(long, value_name = "MINUTES", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=525_600))]
    minutes: u64,
}

impl TokenArgs {
    /// What is to be minted.
    pub fn minting(self) -> Minting {
        let lasts = Duration::from_secs(self.minutes * 60);
        Minting { user: self.user, name: self.name, documents: self.documents, lasts }
    }
}

fn grant(text: &str) -> Result<(DocumentPattern, Role), String> {
    let (pattern, role) = text.rsplit_once('=').ok_or("a document and a role, such as notes=editor")?;
    let pattern = pattern.parse::<DocumentPattern>().map_err(|error| error.to_string())?;
    let RoleName(role) = role.parse().map_err(|error: crate::auth::NoRole| error.to_string())?;
    Ok((pattern, role))
}
