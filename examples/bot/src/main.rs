//! A program that answers in a document: below a line such as `@bot words` it writes a line.

mod question;

use std::error::Error;

use cowrite_client::Event;
use cowrite_client::native::{DocumentClient, NativeClient, NativeSettings};
use cowrite_protocol::frame::Remedy;
use cowrite_protocol::{Cursor, Operation, Utf16Length, Utf16Offset};

use question::Question;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(id)) = (arguments.next(), arguments.next()) else {
        return Err("usage: cowrite-example-bot URL DOCUMENT [TOKEN]".into());
    };
    let token = arguments.next().unwrap_or_else(|| "dev:bot".to_owned());
    let client = NativeClient::connect(&url, token.as_str(), NativeSettings::default())?;
    let document = client.open(id.parse()?, r##"{"name":"Bot","color":"#7c3aed"}"##)?;
    let mut events = document.events();
    document.opened().await?;
    println!("answering in {id}");
    loop {
        while answer(&document)? {}
        match events.recv().await {
            Some(Event::Closed { code, remedy: Remedy::Stop }) => return Err(code.name().into()),
            Some(_) => {}
            None => return Ok(()),
        }
    }
}

/// Answers the first question that has no answer yet; returns whether there was one.
fn answer(document: &DocumentClient) -> Result<bool, Box<dyn Error>> {
    let members = document.members();
    let names: Vec<&str> = members.iter().filter(|present| !present.own).map(|present| &*present.member.name).collect();
    let mut caret = Utf16Offset::ZERO;
    // Nobody can edit between the look and the answer.
    let edit = document.edit_with(|content| {
        let text = content.text().to_string();
        let question = Question::first(&text)?;
        let line = format!("\nbot: {}", question.answer(&text, &names));
        caret = question.end.checked_add(Utf16Length::of(&line))?;
        Some(Operation::builder().retain(Utf16Length(question.end.0)).insert(&line).build())
    })?;
    if edit.is_some() {
        document.set_cursor(Cursor::caret(caret));
    }
    Ok(edit.is_some())
}
