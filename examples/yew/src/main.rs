//! Two shared documents, who is at them, and a status that is always true.

use cowrite_yew::{CowriteProvider, Settings, use_document, use_members, use_status, use_text, use_textarea};
use web_sys::HtmlSelectElement;
use yew::prelude::*;

fn main() {
    yew::Renderer::<App>::new().render();
}

#[component]
fn App() -> Html {
    let id = use_state(|| AttrValue::from("notes"));
    let set_id = id.setter();
    let onchange = move |event: Event| set_id.set(event.target_unchecked_into::<HtmlSelectElement>().value().into());
    html! {
        <CowriteProvider settings={Settings::new("/v1/socket", token())}>
            <select {onchange}><option>{ "notes" }</option><option>{ "ideas" }</option></select>
            <Text id={(*id).clone()} />
        </CowriteProvider>
    }
}

#[derive(PartialEq, Properties)]
struct TextProps {
    id: AttrValue,
}

#[component]
fn Text(props: &TextProps) -> Html {
    let shared = use_document(&props.id);
    let area = use_textarea(&shared);
    let (text, status, members) = (use_text(&shared), use_status(&shared), use_members(&shared));
    let state = if status.pending > 0 { format!("{}, saving", status.state) } else { status.state.to_string() };
    let names = members.iter().map(|member| {
        let at = member.selection.map(|selection| format!(" at {}", selection.head.0));
        html! { <li key={member.number} class={member.own.then_some("own")}>{ &member.name }{ at }</li> }
    });
    let redone = shared.clone();
    html! {
        <>
            <textarea rows="20" cols="80" ref={area} />
            <p role="status">{ state }</p>
            <button id="undo" disabled={!status.can_undo} onclick={move |_| _ = shared.undo()}>{ "Undo" }</button>
            <button id="redo" disabled={!status.can_redo} onclick={move |_| _ = redone.redo()}>{ "Redo" }</button>
            <ul>{ for names }</ul>
            <p id="length">{ text.chars().count() }{ " characters" }</p>
        </>
    }
}

/// A server in developer mode believes what a page says of itself: `?user=ada`.
fn token() -> String {
    let query = web_sys::window().and_then(|window| window.location().search().ok()).unwrap_or_default();
    format!("dev:{}", query.strip_prefix("?user=").unwrap_or("guest"))
}
