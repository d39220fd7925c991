//! The bot, as a process, beside people on a real server.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where it goes wrong")]

use std::process::Command;
use std::time::Duration;

use cowrite_client::native::{DocumentClient, NativeClient, NativeSettings};
use cowrite_client::{Event, engine::StatusState};
use cowrite_protocol::{Operation, Utf16Length};
use cowrite_tests::process::{Place, Process};
use cowrite_tests::server::ServerProcess;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(30);

fn bot(server: &ServerProcess) -> Process {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cowrite-example-bot"));
    command.args([&*server.url(), "notes"]);
    Process::start(command)
}

/// Waits until the document is as `holds` says.
async fn until(document: &DocumentClient, what: &str, holds: impl Fn(&DocumentClient) -> bool) {
    let mut events = document.events();
    let wait = async {
        while !holds(document) {
            let event: Option<Event<_>> = events.recv().await;
            event.expect("the client goes on");
        }
    };
    if timeout(PATIENCE, wait).await.is_err() {
        panic!("waited in vain until {what}; the text is {:?}", document.text());
    }
}

fn type_at_end(document: &DocumentClient, text: &str) {
    let end = document.read(|engine| engine.document().length().0).unwrap();
    document.edit(&Operation::builder().retain(Utf16Length(end)).insert(text).build()).unwrap();
}

#[test]
fn the_guide_shows_the_very_code_and_command() {
    let guide = include_str!("../../../docs/guides/rust-bot.md");
    let code = guide.split("```rust\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    assert!(include_str!("../src/main.rs").contains(code), "they differ");
    assert!(guide.contains(concat!("cargo run -p ", env!("CARGO_PKG_NAME"), " -- ws://")));
}

#[tokio::test]
async fn the_bot_answers_below_a_question_and_nothing_twice() {
    let place = Place::new();
    let mut server = ServerProcess::on_disk(place.folder(), &[]);
    let client = NativeClient::connect(&server.url(), "dev:ada", NativeSettings::default()).unwrap();
    let ada = client.open("notes".parse().unwrap(), "").unwrap();
    timeout(PATIENCE, ada.opened()).await.unwrap().unwrap();
    type_at_end(&ada, "🏆 one two\n@bot words\n");

    // What was asked before it came is answered, too.
    let first = bot(&server);
    let answered = "🏆 one two\n@bot words\nbot: 5 words are written here.\n";
    until(&ada, "the words are counted", |ada| ada.text() == answered).await;
    until(&ada, "the bot shows its caret and its name", |ada| {
        let caret = u32::try_from(answered.encode_utf16().count()).unwrap() - 1;
        ada.members().iter().any(|present| {
            present.member.user.as_str() == "bot"
                && present.member.state.contains("\"name\":\"Bot\"")
                && present.cursor.as_ref().is_some_and(|cursor| cursor.0[0].head.0 == caret)
        })
    })
    .await;

    type_at_end(&ada, "@bot who");
    type_at_end(&ada, "\n");
    let named = format!("{answered}@bot who\nbot: Here are ada.\n");
    until(&ada, "the names are said", |ada| ada.text() == named).await;

    // Another beginning, of the bot and of the server: no question is asked again.
    drop(first);
    server.restart();
    until(&ada, "the server is back", |ada| ada.status().state == StatusState::Online).await;
    let _second = bot(&server);
    type_at_end(&ada, "@bot ?\n");
    until(&ada, "the bot has come back", |ada| ada.text().ends_with("here.\n")).await;
    assert_eq!(ada.text(), format!("{named}@bot ?\nbot: Ask me for “words”, or “who” is here.\n"));
}
