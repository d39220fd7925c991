//! The bugs.

use super::Bug;

const SEQUENCER: &str = "server/src/sequencer/mod.rs";
const CATCH_UP: &str = "server/src/room/catch_up.rs";
const OPENING: &str = "server/src/room/opening.rs";
const LEDGER: &str = "server/src/oplog/ledger.rs";
const PENDING: &str = "client/src/engine/pending.rs";
const SUBMIT: &str = "client/src/engine/submit.rs";
const RECEIVE: &str = "client/src/engine/receive.rs";
const RESUME: &str = "client/src/engine/resume.rs";

/// Every bug that the simulation must find.
pub(crate) const BUGS: &[Bug] = &[
    Bug {
        name: "transform-range",
        what: "a submission is not carried over the first entry after its base",
        file: SEQUENCER,
        right: "since.for_each(|entry| form.carry_over(&entry.operation));",
        wrong: "since.skip(1).for_each(|entry| form.carry_over(&entry.operation));",
    },
    Bug {
        name: "dedupe-on-resume",
        what: "a resume says of every operation in flight that it was not accepted, and the log takes it again",
        file: LEDGER,
        right: "} else if member.client_seq <= last {",
        wrong: "} else if member.client_seq < last {",
    },
    Bug {
        name: "settled-as-lost",
        what: "a resume does not find the operation in flight among the entries",
        file: OPENING,
        right: "let own = since.find(|entry| entry.client == command.client && entry.client_seq == seq);",
        wrong: "let own = since.find(|entry| entry.client == command.client && entry.client_seq > seq);",
    },
    Bug {
        name: "tie-rule",
        what: "of two insertions at one place the client takes its own for the earlier",
        file: PENDING,
        right: "(operation, carried) = D::transform(&operation, pending);",
        wrong: "let (mine, theirs) = D::transform(pending, &operation);\n            (operation, carried) = (theirs, mine);",
    },
    Bug {
        name: "old-base",
        what: "a submit names the version before the one that its operation stands on",
        file: SUBMIT,
        right: "let base = self.version();",
        wrong: "let base = Version::new(self.version().get().saturating_sub(1)).unwrap_or_default();",
    },
    Bug {
        name: "snapshot-version",
        what: "a snapshot bears the version after its own",
        file: "server/src/room/durable.rs",
        right: "            version: head.version,\n            hash: head.hash,\n            checksum,\n            authors: authors.clone(),",
        wrong: "            version: head.version.next(),\n            hash: head.hash,\n            checksum,\n            authors: authors.clone(),",
    },
    Bug {
        name: "epoch-ignored",
        what: "who hears that the log lives another life does not ask what it has lost",
        file: RESUME,
        right: "let own_lost = log_seq < self.accepted_seq && (other_history || known);",
        wrong: "let own_lost = log_seq < self.accepted_seq && !other_history && known;",
    },
    Bug {
        name: "history-ignored",
        what: "a resume goes on from a version of another history",
        file: OPENING,
        right: "Some(hash) if hash == position.hash && (same_life || position.version > Version::ZERO) => {",
        wrong: "Some(_) if same_life || position.version > Version::ZERO => {",
    },
    Bug {
        name: "catch-up-grouping",
        what: "a catch-up composes what it has sent singly once more",
        file: CATCH_UP,
        right: "if !self.compose_to_head(connection, sent) {",
        wrong: "let begun = self.channels.get(&connection).map_or(sent, |channel| channel.sent);\n            if !self.compose_to_head(connection, begun) {",
    },
    Bug {
        name: "catch-up-across-own",
        what: "a catch-up composes across an entry of its receiver",
        file: CATCH_UP,
        right: "head.version } else { own.unwrap_or(sent) };",
        wrong: "head.version } else { sent };",
    },
    Bug {
        name: "no-generation",
        what: "the log takes an operation of a stay that is over",
        file: LEDGER,
        right: "if record.is_some_and(|record| member.generation < record.generation) {",
        wrong: "if record.is_some_and(|record| member.generation < record.generation && record.last.is_none()) {",
    },
    Bug {
        name: "kept-on-conflict",
        what: "a member of a batch keeps, after a conflict, the form that it had in the batch",
        file: SEQUENCER,
        right: "let members = appending.members.into_iter().map(|(submission, _)| submission);\n        self.waiting.splice(0..0, members);",
        wrong: "let keep = |(mut submission, form): (Submission<D>, Form<D>)| {\n            submission.operation = form.operation;\n            submission\n        };\n        let members = appending.members.into_iter().map(keep);\n        self.waiting.splice(0..0, members);",
    },
    Bug {
        name: "epoch-without-settling",
        what: "after a change of epoch nobody says what became of the operation in flight",
        file: OPENING,
        right: "let Some(seq) = command.in_flight else { return Settlement::Nothing };",
        wrong: "let Some(seq) = command.in_flight else { return Settlement::Nothing };\n        if matches!(outcome, Outcome::EpochChanged | Outcome::Mismatch) {\n            return Settlement::NotAccepted;\n        }",
    },
    Bug {
        name: "old-storage",
        what: "a client that comes back with an old record goes on under its old client id",
        file: RESUME,
        right: "if opened.last_seq > self.last_seq && self.client == Some(opened.client) {",
        wrong: "if opened.last_seq > self.last_seq && self.client.is_none() {",
    },
    Bug {
        name: "void-consumed",
        what: "a submit that crossed a composed catch-up is taken",
        file: "server/src/room/submit.rs",
        right: "if base < channel.void_below || self.draining || self.quarantined {",
        wrong: "if self.draining || self.quarantined {",
    },
    Bug {
        name: "void-forgotten",
        what: "a client waits for the ack of what crossed a composed catch-up",
        file: RECEIVE,
        right: "        self.pending.leap();\n        if self.pending.in_flight().is_some() {",
        wrong: "        if self.pending.in_flight().is_some() {",
    },
    Bug {
        name: "undo-overrides",
        what: "an undo writes attributes over what others wrote since",
        file: "client/src/engine/undo/step.rs",
        right: "let (operation, below) = D::transform(&self.operation, &over);",
        wrong: "let (below, operation) = D::transform(&over, &self.operation);",
    },
    Bug {
        name: "no-checksum",
        what: "a composed catch-up is believed whatever its checksum says",
        file: RECEIVE,
        right: "if D::checksum(&self.server) != checksum {",
        wrong: "if D::checksum(&self.server) != checksum && self.position.is_none() {",
    },
    // The five below were planted from the documents alone, by somebody who had not seen the oracle.
    Bug {
        name: "blind-stored",
        what: "the status calls edits stored that were made while the record was being written",
        file: "client/src/engine/storing.rs",
        right: "storing.edits = mark.work.local;",
        wrong: "storing.edits = self.watermarks.local;",
    },
    Bug {
        name: "blind-undo",
        what: "a second undo in a row is not carried over what others did meanwhile",
        file: "client/src/engine/undo/stack.rs",
        right: "        let step = self.steps.pop();\n        self.carry(&D::identity());\n        step",
        wrong: "        self.steps.pop()",
    },
    Bug {
        name: "blind-ghost",
        what: "who missed that somebody left is not told later",
        file: "server/src/presence/roster.rs",
        right: "                None => MemberChange::Left(number),\n            })\n            .collect()",
        wrong: "                None => MemberChange::Left(number),\n            })\n            .filter(|change| matches!(change, MemberChange::Here(_)))\n            .collect()",
    },
    Bug {
        name: "blind-leak",
        what: "catch-ups, snapshots and lists of members are queued for who may not read any more",
        file: "server/src/room/gate.rs",
        right: "    pub(super) fn push(&self, frame: Bytes, now: Millis) {\n        if self.tells(now) {\n            self.outbox.push(self.channel, frame);\n        }\n    }\n\n    /// Queues what the channel has missed, whatever waits already.\n    pub(super) fn lead_on(&self, frame: Bytes, now: Millis) {\n        if self.tells(now) {\n            self.outbox.lead_on(self.channel, frame);\n        }\n    }",
        wrong: "    pub(super) fn push(&self, frame: Bytes, _now: Millis) {\n        self.outbox.push(self.channel, frame);\n    }\n\n    /// Queues what the channel has missed, whatever waits already.\n    pub(super) fn lead_on(&self, frame: Bytes, _now: Millis) {\n        self.outbox.lead_on(self.channel, frame);\n    }",
    },
    Bug {
        name: "blind-restored-twice",
        what: "a restoration that begins a new life is not named after it, so a second one is taken as well",
        file: SEQUENCER,
        right: "            if submission.client.is_restoration() {\n                submission.client = ClientId::restoration(Some(expected.epoch.unwrap_or(new_epoch)));\n            }\n",
        wrong: "            let _: Option<ClientId> = None;\n",
    },
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::BUGS;

    #[test]
    fn every_bug_fits_the_sources_of_today() {
        let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for bug in BUGS {
            let text = std::fs::read_to_string(top.join(bug.file)).unwrap();
            assert_eq!(text.matches(bug.right).count(), 1, "`{}` in {}", bug.name, bug.file);
            assert_ne!(bug.right, bug.wrong, "`{}`", bug.name);
        }
    }

    #[test]
    fn every_bug_has_a_name_of_its_own() {
        let mut names: Vec<&str> = BUGS.iter().map(|bug| bug.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), BUGS.len());
    }
}
