//! The client that a part of the page uses.

use cowrite_client_wasm::front::{Client, LinkState, Settings};
use leptos::prelude::*;

/// The client of this part of the page: a handle, which can be copied into closures.
#[derive(Clone, Copy, Debug)]
pub struct Connection {
    client: StoredValue<Client, LocalStorage>,
    /// The connection, such as `Online`. Documents tell in their status what it means for them.
    pub link: Signal<LinkState>,
}

impl Connection {
    /// The client itself; `None` once its owner is gone.
    pub fn client(&self) -> Option<Client> {
        self.client.try_get_value()
    }
}

/// Connects to a server, for the component that calls it and all below. The connection ends
/// with that component. Where the address or the user has to change, let a component that is
/// made anew call this.
pub fn provide_cowrite(settings: Settings) -> Connection {
    let client = Client::connect(&settings);
    let link = RwSignal::new(client.link());
    let subscription = client.on_link(move |state| _ = link.try_set(*state));
    // Kept as long as the component.
    StoredValue::new_local(subscription);
    let connection = Connection { client: StoredValue::new_local(client), link: link.into() };
    provide_context(connection);
    connection
}

/// The connection that a component above has provided.
///
/// # Panics
/// If none has.
pub fn use_cowrite() -> Connection {
    expect_context()
}
