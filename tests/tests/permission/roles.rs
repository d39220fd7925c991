//! Somebody who may read, and tries every way to write.

use cowrite_protocol::frame::{ClientFrame, Code, Packed, ServerFrame, Submit};
use cowrite_protocol::operation::Operation;
use cowrite_protocol::{Channel, ClientId, ClientSeq, Cursor, Version};
use cowrite_tests::raw::{RawClient, full, open_as, packed, submit};
use cowrite_tests::server::{ServerProcess, mint};

fn typed(text: &str) -> Vec<u8> {
    packed(&Operation::builder().insert(text).build())
}

/// The answer to what was just said: the code of the refusal.
async fn refused(client: &mut RawClient, of: Channel) -> Option<Code> {
    client
        .hear(|frame| match frame {
            ServerFrame::Restored { channel, refused } if *channel == of => Some(*refused),
            ServerFrame::Ack { channel, .. } if *channel == of => Some(None),
            ServerFrame::Reject { channel, code, .. } if *channel == of => Some(Some(*code)),
            _ => None,
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e5_who_may_not_write_is_refused_on_every_way() {
    let server = ServerProcess::with_tokens(&["--memory", "--submits-per-second", "10000", "--submit-burst", "10000"]);
    let mut owner = RawClient::greeted(server.address(), &mint("owner", &[("notes", "owner")])).await;
    let channel = owner.open("notes").await;
    assert_eq!(owner.submit(channel, 1, 0, &typed("whole")).await, None);
    for role in ["viewer", "commenter"] {
        let token = mint(role, &[("notes", role)]);
        let mut reader = RawClient::greeted(server.address(), &token).await;
        let opened = reader.open_as("notes", None).await.unwrap();
        let (channel, operation) = (opened.channel, typed("forged"));
        let numbered = |seq| Submit { channel, seq: full(seq), base: full(1), operation: Packed(&operation) };

        // Each frame that carries an edit, whole and in parts.
        let base = Version::new(1).unwrap();
        for frame in [
            submit(channel, 1, 1, &operation),
            ClientFrame::SubmitStill(numbered(2)),
            ClientFrame::SubmitCursor { cursor: Cursor::default(), submit: numbered(3) },
            ClientFrame::Restore { channel, base, operation: Packed(&operation) },
        ] {
            reader.say(std::slice::from_ref(&frame)).await;
            assert_eq!(refused(&mut reader, channel).await, Some(Code::ReadOnly), "{role}: {frame:?}");
            reader.say_in_parts(channel, &frame).await;
            assert_eq!(refused(&mut reader, channel).await, Some(Code::ReadOnly), "{role}, in parts: {frame:?}");
        }
        // Many in one message, beside somebody who may.
        let many: Vec<_> = (4..24).map(|seq| submit(channel, seq, 1, &operation)).collect();
        reader.say(&many).await;
        for seq in 4..24 {
            assert_eq!(refused(&mut reader, channel).await, Some(Code::ReadOnly), "{role}: {seq}");
        }
        // Whoever comes back and says that it has an edit in flight.
        drop(reader);
        let mut reader = RawClient::greeted(server.address(), &token).await;
        let ClientFrame::Open { request, document, client, position, whole, state, .. } =
            open_as(1, "notes", Some(opened.client))
        else {
            unreachable!()
        };
        let in_flight = ClientSeq::new(24);
        let open = ClientFrame::Open { request, document, client, position, whole, in_flight, state };
        reader.say(&[open]).await;
        reader.hear(|frame| matches!(frame, ServerFrame::Opened(_)).then_some(())).await;
        reader.say(&[submit(channel, 24, 1, &operation)]).await;
        assert_eq!(refused(&mut reader, channel).await, Some(Code::ReadOnly), "{role}, back again");
        // As the owner he is nobody: the name is the token's, and so is the client's id.
        assert_eq!(reader.open_as("notes", Some(ClientId::restoration(None))).await, Err(Code::ForeignClient));
    }
    let mut late = RawClient::greeted(server.address(), &mint("late", &[("notes", "viewer")])).await;
    late.say(&[open_as(1, "notes", None)]).await;
    let version = late.hear(|frame| match frame {
        ServerFrame::Snapshot(snapshot) => Some(snapshot.version.get()),
        _ => None,
    });
    assert_eq!(version.await, 1, "the owner's edit is the only one");
    assert_eq!(owner.submit(channel, 2, 1, &typed("still ")).await, None);
}
