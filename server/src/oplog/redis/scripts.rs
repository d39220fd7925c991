//! The scripts, each one atomic step.

use crate::redis::Script;

const PRELUDE: &str = include_str!("scripts/prelude.lua");

/// All of them.
pub(super) struct Scripts {
    pub(super) append: Script,
    pub(super) open: Script,
    pub(super) read: Script,
    pub(super) snapshot: Script,
    pub(super) trim: Script,
    pub(super) advance: Script,
    pub(super) recover: Script,
    pub(super) confirm: Script,
}

impl Scripts {
    pub(super) fn new() -> Scripts {
        Scripts {
            append: Script::new(PRELUDE, include_str!("scripts/append.lua")),
            open: Script::new(PRELUDE, include_str!("scripts/open.lua")),
            read: Script::new(PRELUDE, include_str!("scripts/read.lua")),
            snapshot: Script::new(PRELUDE, include_str!("scripts/snapshot.lua")),
            trim: Script::new(PRELUDE, include_str!("scripts/trim.lua")),
            advance: Script::new(PRELUDE, include_str!("scripts/advance.lua")),
            recover: Script::new(PRELUDE, include_str!("scripts/recover.lua")),
            confirm: Script::new(PRELUDE, include_str!("scripts/confirm.lua")),
        }
    }
}
