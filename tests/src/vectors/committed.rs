//! What is committed of operations that were made apart: by the sequencer, and by the engines of
//! their authors.

use cowrite_protocol::frame::Role;
use cowrite_protocol::operation::{Document, Operation, Priority, transform_as_quill};
use cowrite_protocol::{ClientId, ClientSeq, Epoch, Generation, Limits, Millis, RichText, Version};
use cowrite_server::auth::Permit;
use cowrite_server::oplog::{AppendOutcome, Head};
use cowrite_server::sequencer::{Ruling, Sequencer, Submission, SubmissionId, SubmittedCaret};

use super::algebra::applied;
use super::case::{number, operation};
use super::desk::Desk;
use super::{Case, Finding};

/// An operation, and the version that it was made on, counted from the case's document.
struct Made {
    base: u32,
    operation: Operation,
}

/// What the operations became, in the order of the log, and the document after them.
#[derive(Debug, PartialEq)]
struct Outcome {
    log: Vec<Operation>,
    document: Document,
}

/// Submissions, each with a base of its own, in the order in which they come.
pub(super) fn server_log(case: Case<'_>) -> Result<(), Finding> {
    let read = |submission: &serde_json::Value| {
        let made = submission.get("op").or(submission.get("a"));
        let made = made.ok_or_else(|| Finding::Failed(format!("a submission without `op`: {submission}")))?;
        Ok(Made { base: number(&submission["base"])?, operation: operation(made)? })
    };
    let made: Vec<Made> = case.list("submissions")?.iter().map(read).collect::<Result<_, Finding>>()?;
    outcomes(case, &case.document("doc")?, &made).map(drop)
}

/// Operations that were all made on the document, in the order in which they are committed; their
/// authors' engines, each with its own pending, come to the same text.
pub(super) fn concurrent(case: Case<'_>) -> Result<(), Finding> {
    let base = case.document("doc")?;
    let made: Vec<Made> = case.operations("ops")?.into_iter().map(|operation| Made { base: 0, operation }).collect();
    let ours = outcomes(case, &base, &made)?;
    for (number, own) in made.iter().enumerate() {
        if own.operation.is_identity() {
            // Nobody submits what changes nothing.
            continue;
        }
        let mut desk = Desk::open(&base)?;
        desk.edit(&own.operation)?;
        for (version, entry) in ours.log.iter().enumerate() {
            if version == number { desk.ack(entry)? } else { desk.commit(entry)? }
        }
        Finding::same(&format!("the document of author {number}"), &desk.document(), &ours.document)?;
        Finding::same(&format!("what author {number} has pending"), &desk.pending()?, &Vec::new())?;
    }
    Ok(())
}

/// Checks what becomes of the operations by Quill's flag and by the sequencer; gives the latter.
fn outcomes(case: Case<'_>, base: &Document, made: &[Made]) -> Result<Outcome, Finding> {
    let quills = by_quill(base, made)?;
    Finding::same("log, with Quill's flag", &quills.log, &case.operations("expect_log")?)?;
    Finding::same("document, with Quill's flag", &quills.document, &case.document("expect_doc")?)?;

    let ours = by_sequencer(base, made, Pace::OneByOne)?;
    Finding::same("log of the sequencer", &ours.log, &case.operations(&case.ours("expect_log"))?)?;
    Finding::same("document of the sequencer", &ours.document, &case.document(&case.ours("expect_doc"))?)?;
    if made.iter().all(|made| made.base == 0) {
        Finding::same("committed as one batch", &by_sequencer(base, made, Pace::Together)?, &ours)?;
    }
    Ok(ours)
}

fn by_quill(base: &Document, made: &[Made]) -> Result<Outcome, Finding> {
    let mut outcome = Outcome { log: Vec::new(), document: base.clone() };
    for made in made {
        let since = outcome.log.get(made.base as usize..);
        let since = since.ok_or_else(|| Finding::Failed(format!("there is no version {} yet", made.base)))?;
        let carried = since
            .iter()
            .fold(made.operation.clone(), |operation, entry| transform_as_quill(entry, &operation, Priority::Over));
        outcome.document = applied(&outcome.document, &carried)?;
        outcome.log.push(carried);
    }
    Ok(outcome)
}

/// When an append begins.
#[derive(Clone, Copy, PartialEq)]
enum Pace {
    /// After each submission.
    OneByOne,
    /// After all of them.
    Together,
}

fn by_sequencer(base: &Document, made: &[Made], pace: Pace) -> Result<Outcome, Finding> {
    let mut sequencer = Sequencer::<RichText>::new(Limits::default(), Head::default(), base.clone());
    for (number, made) in made.iter().enumerate() {
        // Each is a submission of its own, whoever made it.
        let mut client = [0; 16];
        client[..8].copy_from_slice(&(number as u64 + 1).to_le_bytes());
        let submission = Submission {
            id: SubmissionId(number as u64),
            client: ClientId::from_bytes(client),
            seq: ClientSeq::NONE.next(),
            generation: Generation::new(1),
            user: "ann".parse().map_err(Finding::failed)?,
            permit: Permit::new(Role::Editor, Millis(u64::MAX)),
            base: Version::ZERO.plus(u64::from(made.base)),
            operation: made.operation.clone(),
            caret: SubmittedCaret::Still,
            trail: Default::default(),
        };
        sequencer.submit(submission).map_err(|code| refused(number as u64, code))?;
        if pace == Pace::OneByOne {
            commit(&mut sequencer)?;
        }
    }
    commit(&mut sequencer)?;
    let log = sequencer.tail().after(Version::ZERO).into_iter().flatten();
    let log = log.map(|entry| Operation::clone(&entry.operation)).collect();
    Ok(Outcome { log, document: sequencer.document().clone() })
}

/// Appends all that waits, to a log that takes everything.
fn commit(sequencer: &mut Sequencer<RichText>) -> Result<(), Finding> {
    let mut rulings = Vec::new();
    let epoch = Epoch::from_random(7);
    while let Some(batch) = sequencer.next_batch(epoch, &mut rulings) {
        let version = batch.expected.version.plus(batch.members.len() as u64);
        let head = Head { epoch: batch.expected.epoch.or(Some(epoch)), version, hash: batch.hash_after };
        let settled = sequencer.append_finished(AppendOutcome::Committed { head });
        if let Some(obstacle) = settled.obstacle {
            return Err(Finding::Failed(format!("the sequencer does not know its own batch: {obstacle:?}")));
        }
        rulings.extend(settled.rulings);
    }
    for (submission, ruling) in rulings {
        if !matches!(ruling, Ruling::Accepted(_)) {
            return Err(refused(submission.id.0, ruling));
        }
    }
    Ok(())
}

fn refused(number: u64, why: impl std::fmt::Debug) -> Finding {
    Finding::Failed(format!("submission {number} was refused: {why:?}"))
}
