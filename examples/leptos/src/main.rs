//! Two shared documents, who is at them, and a status that is always true.

use cowrite_leptos::{Member, Settings, provide_cowrite, use_document};
use leptos::prelude::*;

fn main() {
    mount_to_body(App);
}

#[component]
fn App() -> impl IntoView {
    provide_cowrite(Settings::new("/v1/socket", token()));
    let id = RwSignal::new("notes".to_owned());
    view! {
        <select on:change=move |event| id.set(event_target_value(&event))>
            <option>"notes"</option>
            <option>"ideas"</option>
        </select>
        {move || view! { <Text id=id.get() /> }}
    }
}

#[component]
fn Text(id: String) -> impl IntoView {
    let shared = use_document(&id);
    let status = move || match shared.status.get() {
        status if status.pending > 0 => format!("{}, saving", status.state),
        status => status.state.to_string(),
    };
    let name = |member: Member| {
        let at = member.selection.map(|selection| format!(" at {}", selection.head.0));
        view! { <li class:own=member.own>{member.name}{at}</li> }
    };
    view! {
        <textarea rows="20" cols="80" node_ref=shared.textarea()></textarea>
        <p role="status">{status}</p>
        <button id="undo" disabled=move || !shared.status.get().can_undo on:click=move |_| _ = shared.undo()>"Undo"</button>
        <button id="redo" disabled=move || !shared.status.get().can_redo on:click=move |_| _ = shared.redo()>"Redo"</button>
        <ul>{move || shared.members.get().into_iter().map(name).collect_view()}</ul>
        <p id="length">{move || shared.text.get().chars().count()}" characters"</p>
    }
}

/// A server in developer mode believes what a page says of itself: `?user=ada`.
fn token() -> String {
    let query = window().location().search().unwrap_or_default();
    format!("dev:{}", query.strip_prefix("?user=").unwrap_or("guest"))
}
