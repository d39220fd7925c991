//! The client that a part of the page uses, and its documents.

use cowrite_client_wasm::front::{Client, Document, Settings};
use yew::prelude::*;

/// What a [`CowriteProvider`] takes.
#[derive(Clone, Debug, PartialEq, Properties)]
pub struct CowriteProviderProps {
    /// Where to connect to, and as whom. Other settings are another client. Two sources that
    /// ask for tokens are the same only if one is a clone of the other: make such a source once.
    pub settings: Settings,
    /// Who uses it.
    #[prop_or_default]
    pub children: Html,
}

/// Connects to a server, for all components below, and leaves with the last of them.
#[component]
pub fn CowriteProvider(props: &CowriteProviderProps) -> Html {
    let client = use_memo(props.settings.clone(), Client::connect);
    html! { <ContextProvider<Client> context={(*client).clone()}>{ props.children.clone() }</ContextProvider<Client>> }
}

/// The client that a component above provides.
///
/// # Panics
/// If none does.
#[hook]
pub fn use_client() -> Client {
    use_context().unwrap_or_else(|| panic!("no CowriteProvider is above this component"))
}

/// Opens a document for as long as the component is there; the same id twice is one document.
/// It is closed when the last such component is gone and nothing is pending. Of an id that is
/// none the status is closed from the start.
///
/// # Panics
/// If no [`CowriteProvider`] is above.
#[hook]
pub fn use_document(id: &str) -> Document {
    let client = use_client();
    let document = use_memo((client, id.to_owned()), |(client, id)| client.open(id));
    (*document).clone()
}
