//! Documents as browsers of earlier releases have kept them.

use cowrite_client::RecordError;
use cowrite_protocol::hash::Checksummer;
use cowrite_tests::process::Place;
use cowrite_tests::server::ServerProcess;
use cowrite_tests::upgrade::{Golden, KeptClient};

/// What the record holds beside the text of the log: one edit that was in flight, which is in it, and
/// one behind it.
const KEPT: [&str; 2] = ["kept 1. \n", "kept 2. \n"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_of_every_release_is_read_and_its_work_goes_once() {
    for golden in Golden::all() {
        let place = Place::new();
        let server = ServerProcess::on_disk(&golden.unpack_data(&place), &[]);
        let mut client = KeptClient::new("minutes", "dev:eve", Some(golden.record()));
        client.store();
        assert_eq!(client.loaded(), Ok(()), "{}", golden.version());
        let text = |client: &KeptClient| client.engine().document().text().to_string();
        let offline = text(&client);
        assert_eq!(client.engine().status().pending, 2);
        assert!(KEPT.iter().all(|kept| offline.matches(kept).count() == 1), "{offline}");
        client.drive(server.address(), KeptClient::is_in_step).await;
        assert_eq!(text(&client), offline);
        // Whoever comes anew sees the same.
        let mut reader = KeptClient::new("minutes", "dev:ada", None);
        reader.drive(server.address(), KeptClient::is_in_step).await;
        assert_eq!(text(&reader), offline);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_of_a_later_release_is_refused_and_left_alone() {
    let golden = Golden::all().pop().unwrap();
    let (base, work) = golden.record();
    let newer = |part: &[u8]| {
        let mut body = part[..part.len() - 8].to_vec();
        body[0] += 1;
        let mut sum = Checksummer::default();
        sum.write(&body);
        body.extend_from_slice(&sum.finish().0.to_le_bytes());
        body
    };
    let place = Place::new();
    let server = ServerProcess::on_disk(&golden.unpack_data(&place), &[]);
    for device in [(newer(&base), work.clone()), (base, newer(&work))] {
        let mut client = KeptClient::new("minutes", "dev:eve", Some(device.clone()));
        client.store();
        let format = work[0];
        assert_eq!(client.loaded(), Err(RecordError::Format { found: format + 1, known: format }));
        // It works without.
        client.drive(server.address(), KeptClient::is_in_step).await;
        assert_eq!(client.device(), Some(&device));
        assert!(!client.engine().document().text().to_string().contains(KEPT[1]));
    }
}
