//! Revokes one user after the other in the data folder that is named until it is killed, and writes
//! a line with each once it is stored.

use std::error::Error;
use std::io::{Write, stdout};
use std::path::Path;

use cowrite_server::revocations::{DiskRevocations, RevocationRequest, RevocationSettings, Revocations};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, round] = &arguments[..] else { return Err("usage: revoke_forever FOLDER ROUND".into()) };
    let revocations = Revocations::new(DiskRevocations::open(Path::new(folder), RevocationSettings::default())?);
    for number in 1_u64.. {
        let user = format!("user-{round}-{number}");
        let request = RevocationRequest { user: user.parse()?, document: None, token: None, issued_before: None };
        revocations.revoke(request).await?;
        writeln!(stdout(), "{user}")?;
        stdout().flush()?;
    }
    Ok(())
}
