//! Frames cut at every byte, and with every byte damaged.

use std::path::Path;

use cowrite_protocol::Channel;
use cowrite_protocol::codec::decode_client;
use cowrite_protocol::frame::{ClientFrame, Code, Scope, Submit};
use cowrite_tests::raw::{Ending, RawClient, message};

use crate::scene::Scene;

/// Every fixed example of a client's frame, by name.
pub(crate) fn goldens() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../protocol/tests/golden/v1/client");
    let mut goldens: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| {
            let path = file.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let bytes = text.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
            (path.file_stem().unwrap().to_str().unwrap().to_owned(), bytes)
        })
        .collect();
    goldens.sort();
    assert!(goldens.len() >= 20, "{} examples", goldens.len());
    goldens
}

/// The same frame on this channel.
fn on(channel: Channel, frame: ClientFrame<'_>) -> ClientFrame<'_> {
    use ClientFrame::*;
    match frame {
        Submit(submit) => Submit(self::Submit { channel, ..submit }),
        SubmitStill(submit) => SubmitStill(self::Submit { channel, ..submit }),
        SubmitCursor { cursor, submit } => SubmitCursor { cursor, submit: self::Submit { channel, ..submit } },
        Cursor { version, cursor, .. } => Cursor { channel, version, cursor },
        Presence { activity, state, .. } => Presence { channel, activity, state },
        Close { .. } => Close { channel },
        Verify { version, hash, checksum, .. } => Verify { channel, version, hash, checksum },
        Part { total, bytes, .. } => Part { channel, total, bytes },
        Restore { base, operation, .. } => Restore { channel, base, operation },
        other => other,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frame_cut_at_any_byte_is_malformed_and_nothing_else() {
    let scene = Scene::set(&[]).await;
    let mut tried = 0;
    for (name, bytes) in goldens() {
        for cut in 1..bytes.len() {
            // Before the greeting only what the server looks at then can be malformed.
            let mut client = if name == "hello" { scene.stranger().await } else { scene.user("mallory").await };
            client.send(&bytes[..cut]).await;
            assert_eq!(client.ending().await, Ending::told(Code::Malformed), "{name}, {cut} bytes");
            tried += 1;
        }
    }
    assert!(tried > 300, "{tried}");
    scene.unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frame_with_any_byte_damaged_is_answered_or_ends_its_own_connection() {
    let scene = Scene::set(&[]).await;
    let (mut survived, mut ended) = (0, 0);
    let mut open: Option<(RawClient, Channel)> = None;
    for (name, golden) in goldens() {
        for at in 0..golden.len() {
            for flip in [0x01, 0x40, 0x80, 0xff] {
                let (mut client, channel) = match open.take() {
                    Some(open) => open,
                    None => {
                        let mut client = scene.user("mallory").await;
                        let channel = client.open("battlefield").await;
                        (client, channel)
                    }
                };
                // To a room that is there, as far as the damage lets it.
                let frame = decode_client(&golden, usize::MAX).next().unwrap().unwrap();
                let mut bytes = message(&[on(channel, frame)]);
                let Some(byte) = bytes.get_mut(at) else { break };
                *byte ^= flip;
                client.send(&bytes).await;
                match client.goes_on().await {
                    Ok(()) => {
                        survived += 1;
                        // What it closed or filled by half is of no use any more.
                        if !matches!(name.as_str(), "close" | "part-first" | "part-next") {
                            open = Some((client, channel));
                        }
                    }
                    Err(ending) => {
                        let code = ending.code.unwrap_or_else(|| panic!("{name} at {at} by {flip:#x}: {ending:?}"));
                        assert_eq!(code.scope(), Scope::Connection, "{name} at {at} by {flip:#x}: {code:?}");
                        ended += 1;
                    }
                }
            }
        }
    }
    println!("of {} damaged frames {ended} ended their connection", survived + ended);
    assert!(survived > 200 && ended > 200, "{survived} survived, {ended} ended");
    scene.unharmed().await;
}
