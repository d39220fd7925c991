//! Letters that programs get wrong: the same bytes at everybody, and after everything was started
//! anew.

use std::time::Duration;

use cowrite_client::native::{DocumentClient, NativeClient, NativeSettings};
use cowrite_protocol::operation::Operation;
use cowrite_protocol::text::{Utf16Length, Utf16Offset};
use cowrite_tests::process::Place;
use cowrite_tests::server::ServerProcess;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

const SAMPLES: [&str; 10] = [
    "a😀b🌧c",
    "👩‍👩‍👧‍👦🏳️‍🌈👍🏽",
    "e\u{301}n\u{303}Z\u{351}\u{36b}\u{343}",
    "שלום abc مرحبا 123 \u{202e}rtl\u{202c}",
    "line\u{2028}paragraph\u{2029}next\u{85}end",
    "nul\0in\0between",
    "\u{feff}mark at the start and\u{feff}inside",
    "𝕳𝖊𝖑𝖑𝖔 𠜎𠜱\u{10ffff}",
    "\r\n\r\t\u{b}\u{c}\u{7f}\u{1b}[0m",
    "\u{fffd}\u{fffc}\u{200b}\u{200d}ﬁ\"\\\u{1}</script>",
];

async fn open(server: &ServerProcess, name: &str) -> (NativeClient, DocumentClient) {
    let token = format!("dev:{name}");
    let client = NativeClient::connect(&server.url(), token.as_str(), NativeSettings::default()).unwrap();
    let document = client.open("glyphs".parse().unwrap(), "").unwrap();
    timeout(PATIENCE, document.opened()).await.unwrap().unwrap();
    (client, document)
}

fn put(document: &DocumentClient, at: usize, text: &str) -> u64 {
    let at = Utf16Length(u32::try_from(at).unwrap());
    document.edit(&Operation::builder().retain(at).insert(text).build()).unwrap()
}

async fn together(one: &DocumentClient, other: &DocumentClient) {
    for document in [one, other] {
        timeout(PATIENCE, document.wait_until(|status| status.pending == 0)).await.unwrap().unwrap();
    }
    let version = one.status().version.max(other.status().version);
    for document in [one, other] {
        timeout(PATIENCE, document.wait_until(|status| status.version >= version)).await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d9_every_letter_is_the_same_bytes_at_everybody_and_after_a_restart() {
    let place = Place::new();
    let mut server = ServerProcess::on_disk(&place.path("data"), &["--snapshot-entries", "50"]);
    let ((_ada, ada), (_ben, ben)) = (open(&server, "ada").await, open(&server, "ben").await);
    let mut expected = "-".to_owned();
    put(&ada, 0, &expected);
    together(&ada, &ben).await;
    for sample in SAMPLES {
        // One pastes it whole at the end, while the other types it letter by letter at the start.
        put(&ada, expected.encode_utf16().count(), sample);
        let mut at = 0;
        for letter in sample.chars() {
            put(&ben, at, letter.encode_utf8(&mut [0; 4]));
            at += letter.len_utf16();
        }
        together(&ada, &ben).await;
        expected = format!("{sample}{expected}{sample}");
        assert_eq!(ada.text().as_bytes(), expected.as_bytes(), "{sample:?}");
        assert_eq!(ben.text().as_bytes(), expected.as_bytes(), "{sample:?}");
    }
    // Every letter is deleted that the last sample has, each whole and by its own operation.
    let last = SAMPLES[SAMPLES.len() - 1];
    for letter in last.chars() {
        let length = Utf16Length(u32::try_from(letter.len_utf16()).unwrap());
        ben.edit(&Operation::builder().delete(length).build()).unwrap();
    }
    // Half a pair is nobody's to delete.
    let pair = expected.encode_utf16().position(|unit| (0xd800..0xdc00).contains(&unit)).unwrap();
    let pair = Utf16Offset(u32::try_from(pair - last.encode_utf16().count()).unwrap());
    let half = Operation::builder().retain(Utf16Length(pair.0)).delete(Utf16Length(1)).build();
    assert!(ben.edit(&half).is_err());
    together(&ada, &ben).await;
    let expected = &expected[last.len()..];
    server.kill_9();
    server.restart();
    let (_cleo, cleo) = open(&server, "cleo").await;
    for document in [&ada, &ben, &cleo] {
        assert_eq!(document.text().as_bytes(), expected.as_bytes());
    }
}
