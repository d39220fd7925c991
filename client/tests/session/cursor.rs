//! Carets: our own, when it travels and when nothing needs to; and the others'.

use cowrite_protocol::frame::{Activity, Code, Member, MemberChange, ServerFrame};
use cowrite_protocol::{AuthorNumber, Channel, ClientSeq, Cursor};

use crate::bench::{Bench, Sent, SentCaret, caret, op};

fn cursors(bench: &mut Bench) -> Vec<Cursor> {
    let cursor = |sent| match sent {
        Sent::Cursor { cursor, .. } => Some(cursor),
        _ => None,
    };
    bench.take_sent().into_iter().filter_map(cursor).collect()
}

/// Bob is here, and so are we.
fn with_bob(text: &str) -> Bench {
    let mut bench = Bench::open(text);
    let member = |number, user: &str| {
        MemberChange::Here(Member {
            number: AuthorNumber(number),
            user: user.parse().unwrap(),
            name: String::new(),
            activity: Activity::Active,
            state: String::new(),
        })
    };
    let channel = Channel(bench.channel);
    bench.server(&ServerFrame::Members { channel, changes: vec![member(1, "ann"), member(2, "bob")] });
    bench
}

fn show(bench: &mut Bench, version: u8, number: u32, cursor: Cursor) {
    let cursors = vec![(AuthorNumber(number), cursor)];
    bench.server(&ServerFrame::Cursors { channel: Channel(bench.channel), version, cursors });
}

fn bob(bench: &Bench) -> Option<Cursor> {
    bench.engine().members().find(|member| member.number == AuthorNumber(2)).expect("bob is here").cursor
}

#[test]
fn the_first_goes_at_once_then_ten_a_second_and_the_last_always() {
    let mut bench = Bench::open(&"x".repeat(500));
    for at in 1..=200 {
        bench.set_caret(at);
        if at == 1 {
            assert_eq!(bench.next(), Sent::Cursor { version: 1, cursor: caret(1) });
        }
        bench.pass(5);
    }
    bench.pass(200);
    let sent = cursors(&mut bench);
    assert!((9..=11).contains(&sent.len()), "{} in a second", sent.len());
    assert_eq!(sent.last(), Some(&caret(200)));
    bench.pass(1_000);
    assert!(cursors(&mut bench).is_empty());
}

#[test]
fn a_caret_that_comes_back_to_where_it_was_shown_costs_nothing() {
    let mut bench = Bench::open("abc");
    bench.set_caret(1);
    bench.next();
    bench.set_caret(2);
    bench.set_caret(1);
    bench.pass(1_000);
    bench.nothing_sent();
}

#[test]
fn none_is_sent_while_anything_is_pending_and_the_last_one_after() {
    let mut bench = Bench::open("abc");
    bench.edit("3 +X");
    let submit = bench.expect_submit();
    bench.set_caret(1);
    bench.pass(500);
    bench.set_caret(2);
    bench.pass(500);
    bench.nothing_sent();
    bench.ack(&submit);
    assert_eq!(bench.take_sent(), [Sent::Cursor { version: 2, cursor: caret(2) }]);
}

#[test]
fn none_is_sent_while_what_was_missed_has_not_come() {
    let mut bench = Bench::open("abc");
    bench.set_caret(1);
    bench.next();
    bench.reconnect();
    bench.log.bob("+1");
    bench.in_step(cowrite_protocol::frame::Settlement::Nothing);
    bench.pass(500);
    bench.set_caret(2);
    bench.nothing_sent();
    bench.composed(1);
    // A new channel knows nothing of us.
    assert_eq!(bench.take_sent(), [Sent::Cursor { version: 2, cursor: caret(3) }]);
}

#[test]
fn a_caret_that_typing_implies_costs_nothing() {
    let mut bench = Bench::open("abc");
    bench.set_caret(3);
    bench.next();
    for at in 3..6 {
        bench.edit(&format!("{at} +x"));
        bench.set_caret(at + 1);
        let submit = bench.expect_submit();
        assert_eq!(submit.caret, SentCaret::Implied);
        bench.ack(&submit);
        bench.pass(150);
    }
    bench.edit("5 -1");
    assert_eq!(bench.expect_submit().caret, SentCaret::Implied);
    bench.nothing_sent();
}

#[test]
fn a_caret_that_stays_where_it_is_known_says_so() {
    let mut bench = Bench::open("abc");
    bench.set_caret(1);
    bench.next();
    bench.edit("3 +X");
    let submit = bench.expect_submit();
    assert_eq!(submit.caret, SentCaret::Still);
    bench.ack(&submit);
    bench.pass(500);
    bench.nothing_sent();
}

#[test]
fn a_caret_elsewhere_rides_on_the_submit() {
    let mut bench = Bench::open("abc");
    bench.set_caret(1);
    bench.next();
    bench.set_caret(2);
    bench.edit("+XX");
    let submit = bench.expect_submit();
    assert_eq!(submit.caret, SentCaret::At(caret(4)));
    bench.ack(&submit);
    bench.pass(500);
    bench.nothing_sent();
}

#[test]
fn what_a_void_or_refused_submit_said_of_the_caret_is_said_again() {
    let elsewhere = || {
        let mut bench = Bench::open("abc");
        bench.set_caret(1);
        bench.next();
        bench.set_caret(2);
        bench.edit("3 +X");
        assert_eq!(bench.expect_submit().caret, SentCaret::At(caret(2)));
        bench
    };
    let mut bench = elsewhere();
    bench.log.bob("+1");
    bench.composed(1);
    assert_eq!(bench.expect_submit().caret, SentCaret::At(caret(3)));

    let mut bench = elsewhere();
    let (channel, seq) = (Channel(bench.channel), ClientSeq::new(1).unwrap());
    bench.server(&ServerFrame::Busy { channel, seq, code: Code::RateLimited, retry_after_ms: 200 });
    bench.pass(200);
    assert_eq!(bench.expect_submit().caret, SentCaret::At(caret(2)));

    let mut bench = elsewhere();
    bench.pass(200);
    bench.reject(1, Code::ReadOnly);
    assert_eq!(bench.take_sent(), [Sent::Cursor { version: 1, cursor: caret(2) }]);
}

#[test]
fn a_hidden_caret_is_told_and_a_far_one_is_clamped() {
    let mut bench = Bench::open("abc");
    bench.set_caret(99);
    assert_eq!(bench.next(), Sent::Cursor { version: 1, cursor: caret(3) });
    bench.pass(100);
    bench.session.set_cursor(bench.handle, Cursor::default(), bench.now);
    bench.drain();
    assert_eq!(bench.next(), Sent::Cursor { version: 1, cursor: Cursor::default() });
}

#[test]
fn the_carets_of_others_are_carried_through_commits_and_what_is_pending() {
    let mut bench = with_bob("abcdef");
    show(&mut bench, 1, 2, caret(4));
    assert_eq!(bob(&bench), Some(caret(4)));
    bench.edit("2 +XX");
    let submit = bench.expect_submit();
    assert_eq!(bob(&bench), Some(caret(6)));
    bench.edit("-1");
    assert_eq!(bob(&bench), Some(caret(5)));
    bench.ack(&submit);
    assert_eq!(bob(&bench), Some(caret(5)));
    let buffer = bench.expect_submit();
    bench.ack(&buffer);
    assert_eq!(bob(&bench), Some(caret(5)));
    // Text that is deleted around it leaves it at the place.
    bench.edit("1 -6");
    assert_eq!(bob(&bench), Some(caret(1)));
}

#[test]
fn the_caret_of_an_author_is_where_the_commit_implies_or_says() {
    let mut bench = with_bob("abcdef");
    bench.edit("+X");
    let channel = Channel(bench.channel);
    bench.commit("3 +yy");
    assert_eq!(bob(&bench), Some(caret(6)));
    let still = bench.log.commit_as(channel, &op("+z"), SentCaret::Still);
    bench.bytes(&still);
    assert_eq!((bench.text().as_str(), bob(&bench)), ("zXabcyydef", Some(caret(7))));
    let told = bench.log.commit_as(channel, &op("+q"), SentCaret::At(caret(3)));
    bench.bytes(&told);
    assert_eq!((bench.text().as_str(), bob(&bench)), ("qzXabcyydef", Some(caret(4))));
}

#[test]
fn cursors_of_another_version_are_ignored_and_so_is_our_own() {
    let mut bench = with_bob("abcdef");
    show(&mut bench, 1, 2, caret(4));
    show(&mut bench, 2, 2, caret(1));
    show(&mut bench, 0, 2, caret(1));
    assert_eq!(bob(&bench), Some(caret(4)));
    show(&mut bench, 1, 1, caret(5));
    show(&mut bench, 1, 9, caret(5));
    let own = bench.engine().members().find(|member| member.own).expect("we are here").cursor;
    assert_eq!((own, bench.engine().members().count()), (None, 2));
    show(&mut bench, 1, 2, Cursor::default());
    assert_eq!(bob(&bench), None);
}

#[test]
fn who_leaves_takes_the_caret_along() {
    let mut bench = with_bob("abc");
    show(&mut bench, 1, 2, caret(2));
    let channel = Channel(bench.channel);
    bench.server(&ServerFrame::Members { channel, changes: vec![MemberChange::Left(AuthorNumber(2))] });
    assert_eq!(bench.engine().members().count(), 1);
    bench.cut();
    assert_eq!(bench.engine().members().count(), 0);
}
