//! Who wrote an entry, and under which number of theirs.

use cowrite_client::Event;
use cowrite_protocol::frame::{Abbreviated, Author, Commit, Packed, ServerFrame};
use cowrite_protocol::{AuthorNumber, Channel, ClientId, ClientSeq};

use crate::bench::{BOB, Bench, EVE, op};

/// This author's commit under this client_seq; `next` is what the room says it follows on.
fn commit(bench: &mut Bench, (number, client): (u32, ClientId), seq: u64, next: u64) {
    let operation = op("+x");
    let mut packed = Vec::new();
    operation.encode(&mut packed);
    bench.log.append(client, seq, &operation);
    bench.server(&ServerFrame::Commit(Commit {
        channel: Channel(bench.channel),
        author: AuthorNumber(number),
        version: bench.log.position.version.get().to_le_bytes()[0],
        seq: Abbreviated::of(seq, next),
        operation: Packed(&packed),
    }));
}

fn introduce(bench: &mut Bench, number: u32, client: ClientId, user: &str) {
    let author = Author { number: AuthorNumber(number), client, user: user.parse().unwrap(), seq: ClientSeq::NONE };
    bench.server(&ServerFrame::Author { channel: Channel(bench.channel), author });
}

/// The client stands where the log does, with its hash, and gave nothing up.
fn in_step(bench: &mut Bench) {
    assert_eq!(bench.engine().position(), Some(bench.log.position));
    assert_eq!(bench.text(), bench.log.string());
    bench.nothing_sent();
}

fn users(bench: &Bench) -> Vec<String> {
    let told = |event: &Event<_>| match event {
        Event::Change { user: Some(user), .. } => Some(user.to_string()),
        _ => None,
    };
    bench.events.iter().filter_map(told).collect()
}

#[test]
fn an_author_may_be_introduced_and_a_number_given_to_another_in_mid_channel() {
    let mut bench = Bench::open("abc");
    introduce(&mut bench, 3, EVE, "eve");
    commit(&mut bench, (3, EVE), 5, 1);
    commit(&mut bench, (2, BOB), 1, 1);
    introduce(&mut bench, 2, ClientId::from_bytes([4; 16]), "cyd");
    commit(&mut bench, (2, ClientId::from_bytes([4; 16])), 1, 1);
    commit(&mut bench, (3, EVE), 6, 6);
    assert_eq!(users(&bench), ["eve", "bob", "cyd", "eve"]);
    assert_eq!(bench.engine().number(), Some(AuthorNumber(1)));
    in_step(&mut bench);
}

#[test]
fn a_number_that_nobody_has_ends_the_channel_and_not_the_document() {
    let mut bench = Bench::open("abc");
    commit(&mut bench, (9, EVE), 1, 1);
    bench.expect_reopen();
    assert_eq!(bench.text(), "abc");
}

#[test]
fn numbers_are_told_against_the_authors_last_whatever_it_skipped() {
    let mut bench = Bench::open("abc");
    commit(&mut bench, (2, BOB), 1, 1);
    // 63 that were refused, which is as far as one byte reaches; then one more than that.
    commit(&mut bench, (2, BOB), 65, 2);
    commit(&mut bench, (2, BOB), 130, 66);
    in_step(&mut bench);
}

#[test]
fn what_came_singly_counts_for_the_numbers_that_follow() {
    let mut bench = Bench::open("abc");
    commit(&mut bench, (2, BOB), 70, 1);
    let (operation, mut packed) = (op("+y"), Vec::new());
    operation.encode(&mut packed);
    bench.log.append(BOB, 200, &operation);
    bench.server(&ServerFrame::Entry {
        channel: Channel(bench.channel),
        version: bench.log.position.version,
        client: BOB,
        seq: ClientSeq::new(200).unwrap(),
        user: "bob".parse().unwrap(),
        operation: Packed(&packed),
    });
    commit(&mut bench, (2, BOB), 201, 201);
    in_step(&mut bench);
    // Somebody else's entry counts for nobody who has a number.
    let mut bench = Bench::open("abc");
    commit(&mut bench, (2, BOB), 1, 1);
    let eve = bench.log.entry(Channel(bench.channel), EVE, &op("+y"));
    bench.bytes(&eve);
    commit(&mut bench, (2, BOB), 2, 2);
    in_step(&mut bench);
}
