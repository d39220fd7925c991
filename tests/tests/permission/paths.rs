//! Each path on which something is told or done passes the one check. Without it all of these fail.

use cowrite_protocol::frame::{Activity, Code, Role};
use cowrite_protocol::{Cursor, Millis, Selection, Utf16Offset, Version};
use cowrite_server::auth::Permit;
use cowrite_server::room::{ChannelFrame, RoomCommand};

use crate::desk::{Desk, NOWHERE, operation, whole};

/// An editor and somebody else who are both in step.
fn two(role: Role) -> (Desk, crate::desk::Guest, crate::desk::Guest) {
    let mut desk = Desk::new();
    let (mut ada, ben) = (desk.open(1, Role::Editor), desk.open(2, role));
    desk.types(&mut ada, "a");
    desk.pass(100);
    desk.pass(100);
    assert!(ben.hears().contains(&"Snapshot".to_owned()));
    ada.hears();
    (desk, ada, ben)
}

#[test]
fn e5_a_submit_of_who_may_only_read_is_rejected() {
    for role in [Role::Viewer, Role::Commenter] {
        let (mut desk, _, mut ben) = two(role);
        desk.types(&mut ben, "b");
        assert_eq!(ben.hears(), ["Reject read_only"]);
        assert_eq!(desk.text(), "a");
    }
}

#[test]
fn e4_a_submit_after_the_right_was_lost_is_not_answered_and_stays_the_clients_own() {
    let (mut desk, _, mut ben) = two(Role::Editor);
    ben.permit.renew(Role::Viewer, Millis(1_000_000));
    desk.types(&mut ben, "b");
    assert_eq!((ben.hears(), desk.text()), (vec![], "a".to_owned()));
    ben.permit.withdraw();
    desk.types(&mut ben, "b");
    assert_eq!((ben.hears(), desk.text()), (vec![], "a".to_owned()));
}

#[test]
fn e4_what_waits_for_the_log_is_not_appended_after_the_right_was_lost() {
    let (mut desk, mut ada, mut ben) = two(Role::Editor);
    desk.holding = true;
    desk.types(&mut ada, "A");
    desk.types(&mut ben, "B");
    ben.permit.withdraw();
    // Whether the connection is still there or not.
    desk.command(RoomCommand::Disconnected { connection: cowrite_server::room::ConnectionId(2) });
    desk.let_go();
    assert_eq!(desk.text(), "Aa");
}

#[test]
fn e4_commits_are_not_delivered_after_the_right_was_lost_or_has_run_out() {
    let (mut desk, mut ada, ben) = two(Role::Viewer);
    desk.types(&mut ada, "b");
    assert_eq!(ben.hears(), ["Commit"]);
    ben.permit.withdraw();
    desk.types(&mut ada, "c");
    assert_eq!(ben.hears(), [] as [&str; 0]);
    ben.permit.renew(Role::Viewer, desk.now);
    desk.types(&mut ada, "d");
    assert_eq!(ben.hears(), [] as [&str; 0]);
}

#[test]
fn e4_a_catch_up_is_not_delivered_after_the_right_was_lost() {
    let (mut desk, mut ada, ..) = two(Role::Viewer);
    let (ben, eve) = (desk.open_slow(3), desk.open_slow(4));
    ben.hears();
    eve.hears();
    for _ in 0..20 {
        desk.types(&mut ada, "x");
    }
    eve.permit.withdraw();
    let heard = [&ben, &eve].map(|guest| {
        guest.hears();
        desk.drained(guest);
        guest.hears()
    });
    assert!(heard[0].contains(&"Composed".to_owned()), "{heard:?}");
    assert_eq!(heard[1], [] as [&str; 0]);
}

#[test]
fn e4_a_document_is_not_opened_if_the_right_was_lost_while_it_was_loaded() {
    let (mut desk, ..) = two(Role::Viewer);
    desk.holding = true;
    let eve = desk.open(5, Role::Editor);
    eve.permit.withdraw();
    desk.let_go();
    assert_eq!(eve.hears(), ["OpenRefused unavailable"]);
    assert_eq!(desk.room.channels(), 2);
}

#[test]
fn e4_who_is_here_is_not_told_after_the_right_was_lost() {
    let (mut desk, _, ben) = two(Role::Viewer);
    desk.open(6, Role::Viewer);
    desk.pass(200);
    assert!(ben.hears().contains(&"Members".to_owned()));
    ben.permit.withdraw();
    desk.open(7, Role::Viewer);
    desk.pass(200);
    assert_eq!(ben.hears(), [] as [&str; 0]);
}

#[test]
fn e4_nobody_appears_after_the_right_was_lost() {
    let (mut desk, ada, ben) = two(Role::Viewer);
    let caret = |at| Cursor(vec![Selection { anchor: Utf16Offset(at), head: Utf16Offset(at) }]);
    let appear = |desk: &mut Desk, at, state: &str| {
        let version = whole(desk.room.sequencer().head().version.get());
        desk.frame(&ben, ChannelFrame::Cursor { version, cursor: caret(at) });
        let state = Some(state.to_owned());
        desk.frame(&ben, ChannelFrame::Presence { activity: Activity::Active, state });
        desk.pass(200);
        desk.pass(200);
        ada.hears()
    };
    let told = appear(&mut desk, 1, "{\"a\":1}");
    assert!(told.contains(&"Cursors".to_owned()) && told.contains(&"Members".to_owned()), "{told:?}");
    ben.permit.withdraw();
    assert_eq!(appear(&mut desk, 0, "{\"a\":2}"), [] as [&str; 0]);
}

#[test]
fn e5_lost_work_is_not_brought_back_by_who_may_not_write() {
    let (mut desk, _, ben) = two(Role::Commenter);
    let base = Version::new(1).unwrap();
    desk.frame(&ben, ChannelFrame::Restore { base, operation: operation("lost") });
    assert_eq!(ben.hears(), ["Restored read_only"]);
    assert_eq!(desk.text(), "a");
}

#[test]
fn an_export_is_for_who_may_read() {
    let (mut desk, ..) = two(Role::Viewer);
    let permit = Permit::new(Role::Viewer, Millis(1_000_000));
    let exported = desk.export(permit.clone()).unwrap();
    assert_eq!((exported.version, exported.content.as_str()), (NOWHERE.next(), "{\"ops\":[{\"insert\":\"a\"}]}"));
    permit.withdraw();
    assert_eq!(desk.export(permit), Err(Code::AccessDenied));
}

#[test]
fn who_is_expelled_is_told_why() {
    let (mut desk, _, ben) = two(Role::Viewer);
    ben.permit.withdraw();
    let connection = cowrite_server::room::ConnectionId(2);
    desk.command(RoomCommand::Expel { connection, code: Code::AccessDenied, retry_after_ms: 0 });
    assert_eq!(ben.hears(), ["Closed access_denied"]);
    assert_eq!(desk.room.channels(), 1);
}
