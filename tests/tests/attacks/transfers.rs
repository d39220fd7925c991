//! Transfers that begin and never end.

use std::time::Duration;

use cowrite_protocol::frame::{ClientFrame, Code, Packed};
use cowrite_tests::raw::{RawClient, message};

use crate::scene::Scene;

/// What one connection may make the server hold, whatever it sends: a transfer of the largest
/// operation, a message, a queue, and what the allocator makes of them.
const ONE_CONNECTION: u64 = 64 << 20;

/// Opens so many documents; gives their channels.
async fn open_many(client: &mut RawClient, count: u32) -> Vec<cowrite_protocol::Channel> {
    let mut channels = Vec::new();
    for number in 0..count {
        channels.push(client.open(&format!("many{number}")).await);
    }
    channels
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transfers_half_sent_on_many_channels_hold_bounded_memory() {
    let scene = Scene::set(&[]).await;
    let mut client = scene.user("mallory").await;
    let channels = open_many(&mut client, 100).await;
    let opened = scene.grown();
    let (total, part) = (16 << 20, vec![7; 16 << 10]);
    let parts_each = 128;
    let mut sent = 0_u64;
    'attack: for round in 0..parts_each {
        for &channel in &channels {
            let total = (round == 0).then_some(total);
            let message = message(&[ClientFrame::Part { channel, total, bytes: Packed(&part) }]);
            let frame = cowrite_tests::raw::WsFrame::binary(&message);
            let taken = tokio::time::timeout(Duration::from_secs(1), client.writer.frame(&frame)).await;
            if taken != Ok(true) {
                break 'attack;
            }
            sent += part.len() as u64;
        }
    }
    let grown = scene.grown().saturating_sub(opened);
    println!("{} MiB of half-sent transfers on {} channels: {} MiB held", sent >> 20, channels.len(), grown >> 20);
    assert!(grown < ONE_CONNECTION, "{} MiB of memory by {} MiB sent", grown >> 20, sent >> 20);
    // Who asks for too much is told so, one way or another.
    let ending = client.ending().await;
    assert_eq!(ending.code, Some(Code::TooLarge));
    scene.unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transfer_that_ends_with_its_channel_is_forgotten() {
    let scene = Scene::set(&[]).await;
    let mut client = scene.user("mallory").await;
    for _ in 0..20 {
        let channel = client.open("again").await;
        for part in 0..128 {
            let total = (part == 0).then_some(16 << 20);
            client.say(&[ClientFrame::Part { channel, total, bytes: Packed(&[7; 16 << 10]) }]).await;
        }
        client.say(&[ClientFrame::Close { channel }]).await;
    }
    assert_eq!(client.goes_on().await, Ok(()));
    println!("20 transfers of 2 MiB begun and closed: {} KiB held", scene.grown() >> 10);
    scene.unharmed_within(32 << 20).await;
}
