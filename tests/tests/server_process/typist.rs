//! People who type, each character of theirs unlike any other.

use std::collections::BTreeMap;

use cowrite_client::native::{DocumentClient, NativeClient, NativeSettings, TokenSource};
use cowrite_client::session::SessionSettings;
use cowrite_protocol::operation::OperationBuilder;
use cowrite_protocol::{Operation, Utf16Length};
use tokio::time::timeout;

use crate::peer::PATIENCE;

/// A client with one document open. Its characters are its own, and each is typed once.
pub(crate) struct Typist {
    pub(crate) document: DocumentClient,
    _client: NativeClient,
    number: u32,
    typed: u32,
    seed: u64,
}

/// So many characters has each typist at most, and so many typists are there.
const CHARACTERS: u32 = 2_000;

impl Typist {
    pub(crate) async fn sit_down(url: &str, document: &str, number: u32) -> Typist {
        let settings = NativeSettings { session: SessionSettings::new(u64::from(number)) };
        let token = TokenSource::fixed(&format!("dev:typist{number}"));
        let client = NativeClient::connect(url, token, settings).unwrap();
        let document = client.open(document.parse().unwrap(), "").unwrap();
        timeout(PATIENCE, document.opened()).await.expect("it opens").unwrap();
        Typist { document, _client: client, number, typed: 0, seed: u64::from(number) + 1 }
    }

    /// Types one character anywhere in the text.
    pub(crate) fn type_one(&mut self) {
        assert!(self.typed < CHARACTERS);
        let units = self.document.read(|engine| engine.document().text().length()).unwrap();
        let at = self.random() % (u64::from(units.0) + 1);
        let operation = insert(u32::try_from(at).unwrap(), &character(self.number, self.typed).to_string());
        self.document.edit(&operation).unwrap();
        self.typed += 1;
    }

    /// Types on, never further ahead of the server than `ahead`, until so many are typed.
    pub(crate) async fn type_to(&mut self, typed: u32, ahead: u64) {
        while self.typed < typed {
            self.type_one();
            let local = u64::from(self.typed);
            timeout(PATIENCE * 3, self.document.wait_until(|status| local.saturating_sub(status.accepted) <= ahead))
                .await
                .expect("edits are accepted")
                .unwrap();
        }
    }

    /// Waits until all that was typed is accepted.
    pub(crate) async fn finish(&self) {
        let all = timeout(PATIENCE * 3, self.document.when_accepted(u64::from(self.typed))).await;
        all.expect("all is accepted").unwrap();
    }

    /// Waits until the text is of this version, and gives it.
    pub(crate) async fn text_at(&self, version: u64) -> String {
        let reached = self.document.wait_until(|status| status.version.get() >= version && status.pending == 0);
        timeout(PATIENCE, reached).await.expect("it catches up").unwrap();
        self.document.text()
    }

    fn random(&mut self) -> u64 {
        // A generator of Marsaglia's is good enough to choose places.
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        self.seed
    }
}

/// Finishes, and checks that everybody sees each character that was typed once.
pub(crate) async fn all_is_there_once(typists: &[Typist], url: &str, document: &str) {
    for typist in typists {
        typist.finish().await;
    }
    let version = typists.iter().map(|typist| typist.document.status().version.get()).max().unwrap_or_default();
    let witness = Typist::sit_down(url, document, 99).await;
    let text = witness.text_at(version).await;
    let mut counts: BTreeMap<char, u32> = BTreeMap::new();
    text.chars().for_each(|character| *counts.entry(character).or_default() += 1);
    for typist in typists {
        assert_eq!(typist.text_at(version).await, text, "typist {} sees another text", typist.number);
        for typed in 0..typist.typed {
            let count = counts.remove(&character(typist.number, typed)).unwrap_or_default();
            assert_eq!(count, 1, "character {typed} of typist {}", typist.number);
        }
    }
    assert_eq!(counts, BTreeMap::new(), "nobody typed these");
}

/// Waits until so many people have the document open.
pub(crate) async fn until_members(document: &DocumentClient, count: usize) {
    // Before the first look, so that nothing happens unseen.
    let mut events = document.events();
    let counted = async {
        while document.members().len() != count {
            events.recv().await.expect("the client lives");
        }
    };
    assert!(
        timeout(PATIENCE, counted).await.is_ok(),
        "there are never {count} people, but {}",
        document.members().len()
    );
}

pub(crate) fn insert(at: u32, text: &str) -> Operation {
    OperationBuilder::default().retain(Utf16Length(at)).insert(text).build()
}

fn character(typist: u32, typed: u32) -> char {
    // Chinese and Korean have enough that stand for themselves, one unit each.
    char::from_u32(0x4e00 + typist * CHARACTERS + typed).unwrap()
}
