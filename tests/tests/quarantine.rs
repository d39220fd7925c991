//! An entry that makes no sense: its document can still be read, nobody's edits are taken
//! back, and when the log is mended all goes on.

#![expect(clippy::expect_used, reason = "all of it is a test")]

use bytes::Bytes;
use cowrite_client::engine::StatusState;
use cowrite_protocol::operation::Operation;
use cowrite_protocol::text::Utf16Length;
use cowrite_protocol::{ClientId, ClientSeq, DocumentType, Epoch, RichText, UserId, Version};
use cowrite_server::oplog::memory::MemoryLog;
use cowrite_server::oplog::{AppendOutcome, Batch, Head, Member, ReadOutcome};
use cowrite_server::room::RoomSettings;
use cowrite_tests::pipe::Pipe;

const QUEUE_BYTES: usize = 1 << 20;

fn typed(at: u32, text: &str) -> Operation {
    Operation::builder().retain(Utf16Length(at)).insert(text).build()
}

fn packed(operation: &Operation) -> Vec<u8> {
    let mut bytes = Vec::new();
    RichText::encode(operation, &mut bytes);
    bytes
}

/// Somebody writes these bytes to the log as an entry, past every room; gives where the log
/// stood before.
fn write_past_the_room(pipe: &Pipe, operation: Vec<u8>) -> Head {
    write_as(pipe, ClientId::from_bytes([99; 16]), "stranger".parse().expect("a user"), operation)
}

fn write_as(pipe: &Pipe, client: ClientId, user: UserId, operation: Vec<u8>) -> Head {
    let opened = pipe.log().open_now(pipe.document(), Some((client, user.clone()))).expect("it opens");
    let (head, record) = (opened.head, opened.client.expect("a record"));
    let seq = record.last.map_or(ClientSeq::NONE, |(seq, _)| seq).next();
    let hash_after = head.hash.advance(head.version.next(), &client, seq, &operation);
    let operation = Bytes::from(operation);
    let member = Member { client, client_seq: seq, generation: record.generation, user, operation };
    let batch =
        Batch { expected: head, new_epoch: Epoch::from_random(7), members: vec![member], hash_after, time_ms: 0 };
    let outcome = pipe.log().append_now(pipe.document(), batch);
    assert!(matches!(outcome, AppendOutcome::Committed { .. }), "{outcome:?}");
    head
}

/// What no kind of document can read, and what can be read and fits nowhere.
fn poisons() -> [Vec<u8>; 2] {
    [vec![255; 9], packed(&typed(1_000, "far out"))]
}

fn state(pipe: &mut Pipe, client: usize) -> StatusState {
    let client = pipe.client(client);
    client.session.engine(client.handle).expect("the document is open").status().state
}

fn pending(pipe: &mut Pipe, client: usize) -> usize {
    let client = pipe.client(client);
    client.session.engine(client.handle).expect("the document is open").pending().count()
}

#[test]
fn c17_a_document_with_a_poison_entry_can_be_read_and_no_edit_is_taken_back() {
    for poison in poisons() {
        let mut pipe = Pipe::new(RoomSettings::default());
        let (ann, bob) = (pipe.join(), pipe.join());
        pipe.edit(ann, &typed(0, "good"));
        let good = write_past_the_room(&pipe, poison);
        pipe.look();
        assert!(pipe.shows("cowrite_documents_quarantined 1") && pipe.shows("cowrite_documents_damaged 0"));
        assert_eq!((state(&mut pipe, ann), state(&mut pipe, bob)), (StatusState::Stalled, StatusState::Stalled));

        // Edits wait, also across a disconnect; who comes now can read.
        pipe.edit(ann, &typed(4, " more"));
        let newcomer = pipe.join();
        pipe.disconnect(ann);
        pipe.connect(ann);
        pipe.look();
        assert_eq!(pipe.text(newcomer), "good");
        assert_eq!(state(&mut pipe, newcomer), StatusState::Stalled);
        assert_eq!((pipe.text(ann).as_str(), state(&mut pipe, ann)), ("good more", StatusState::Stalled));
        assert_eq!((pending(&mut pipe, ann), pipe.room().sequencer().head()), (1, good));
        assert!(pipe.shows("cowrite_documents_quarantined_total 1"), "once, not at each look");
        assert!(pipe.room().sequencer().is_idle(), "nothing is taken, so the room can be forgotten");

        // An operator takes the entry out; at the next look all goes on.
        pipe.log().truncate_to(pipe.document(), good.version, good.hash);
        pipe.look();
        assert!(pipe.shows("cowrite_documents_quarantined 0"));
        for client in [ann, bob, newcomer] {
            pipe.disconnect(client);
            pipe.connect(client);
        }
        for client in [ann, bob, newcomer] {
            assert_eq!((pipe.text(client).as_str(), state(&mut pipe, client)), ("good more", StatusState::Online));
        }
        assert_eq!(pending(&mut pipe, ann), 0);
    }
}

#[test]
fn c17_an_append_that_meets_a_poison_entry_is_held_by_its_author() {
    for poison in poisons() {
        let mut pipe = Pipe::new(RoomSettings::default());
        let ann = pipe.join();
        pipe.edit(ann, &typed(0, "good"));
        write_past_the_room(&pipe, poison);
        // The room has not heard of it: its append conflicts, and brings it.
        pipe.edit(ann, &typed(4, " more"));
        assert!(pipe.shows("cowrite_documents_quarantined 1"));
        assert_eq!((pipe.text(ann).as_str(), state(&mut pipe, ann)), ("good more", StatusState::Stalled));
        assert_eq!(pending(&mut pipe, ann), 1);
    }
}

#[test]
fn c17_a_document_is_loaded_up_to_its_poison_entry() {
    for poison in poisons() {
        let mut pipe = Pipe::new(RoomSettings::default());
        let ann = pipe.join();
        pipe.edit(ann, &typed(0, "good"));
        write_past_the_room(&pipe, poison);
        let log: MemoryLog = pipe.log().clone();
        let mut later = Pipe::on_log(log, RoomSettings::default(), QUEUE_BYTES);
        let bob = later.join();
        assert_eq!((later.text(bob).as_str(), state(&mut later, bob)), ("good", StatusState::Stalled));
        assert!(later.shows("cowrite_documents_quarantined 1"));
        assert_eq!(later.room().sequencer().head().version, Version::ZERO.next());
    }
}

#[test]
fn c17_a_client_with_an_entry_behind_the_poison_is_not_told_that_it_was_not_accepted() {
    let mut pipe = Pipe::new(RoomSettings::default());
    let ann = pipe.join();
    pipe.edit(ann, &typed(0, "good"));
    let ReadOutcome::Entries(entries) = pipe.log().read_now(pipe.document(), Version::ZERO, 1) else {
        panic!("nothing was trimmed")
    };
    let (client, user) = (entries[0].client, entries[0].user.clone());
    // Her next edit is in the log behind a poison entry, as a newer server may have put it.
    write_past_the_room(&pipe, vec![255; 9]);
    write_as(&pipe, client, user, packed(&typed(4, " more")));
    pipe.client(ann).deaf = true;
    pipe.edit(ann, &typed(4, " more"));
    pipe.disconnect(ann);
    pipe.connect(ann);
    assert!(pipe.shows("cowrite_documents_quarantined 1"));
    assert_eq!((pipe.text(ann).as_str(), state(&mut pipe, ann)), ("good more", StatusState::Detached));
    assert_eq!((pending(&mut pipe, ann), pipe.client(ann).down.count("Opened")), (1, 0));
}

#[test]
fn a_log_that_cannot_be_read_is_not_asked_without_end() {
    let mut pipe = Pipe::new(RoomSettings::default());
    let ann = pipe.join();
    pipe.edit(ann, &typed(0, "good"));
    pipe.lose_feed(true);
    write_past_the_room(&pipe, packed(&typed(4, "!")));
    // The log says that there is more, and does not give it: this would never end.
    let bob = pipe.join();
    assert_eq!(pipe.client(bob).down.count("Opened"), 0);
    pipe.lose_feed(false);
    pipe.disconnect(bob);
    pipe.connect(bob);
    assert_eq!(pipe.client(bob).down.count("Opened"), 0, "the log has a rest first");
    pipe.pass(250);
    assert_eq!((pipe.text(bob).as_str(), state(&mut pipe, bob)), ("good!", StatusState::Online));
}
