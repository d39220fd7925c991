//! Scripts that Redis runs in one atomic step, named by their content.

use redis::Cmd;

/// A script of which Redis is told the name only, and the text when it does not know it.
pub(crate) struct Script {
    source: &'static str,
    prelude: &'static str,
    sha: String,
}

impl Script {
    /// The script of this text, behind a prelude that it shares with others.
    pub(crate) fn new(prelude: &'static str, source: &'static str) -> Script {
        let sha = redis::Script::new(&text(prelude, source)).get_hash().to_owned();
        Script { source, prelude, sha }
    }

    /// The call of it on these keys; arguments are added by the caller.
    pub(crate) fn call(&self, keys: &[&str]) -> Cmd {
        let mut command = redis::cmd("EVALSHA");
        command.arg(self.sha.as_str()).arg(keys.len());
        for key in keys {
            command.arg(*key);
        }
        command
    }

    /// What loads it.
    pub(super) fn load(&self) -> Cmd {
        let mut command = redis::cmd("SCRIPT");
        command.arg("LOAD").arg(text(self.prelude, self.source));
        command
    }
}

fn text(prelude: &str, source: &str) -> String {
    [prelude, source].concat()
}
