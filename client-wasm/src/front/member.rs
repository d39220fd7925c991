//! Who has a document open.

use cowrite_client::MemberView;
use cowrite_protocol::Selection;
use cowrite_protocol::frame::Activity;

/// Somebody who has the document open, perhaps this very page.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// The room's number for the member: what to key a list by.
    pub number: u32,
    /// The user, as the server knows it.
    pub user: String,
    /// The display name; the user where the server knows none.
    pub name: String,
    /// What the member's application says of it: JSON, may be empty.
    pub state: String,
    /// What the member is doing.
    pub activity: Activity,
    /// Whether it is this very client.
    pub own: bool,
    /// Its selection in the text that is shown here, in UTF-16 code units; `None` if it shows none.
    pub selection: Option<Selection>,
}

impl Member {
    pub(super) fn of(view: MemberView<'_>) -> Member {
        let user = view.user.as_str();
        Member {
            number: view.number.0,
            user: user.to_owned(),
            name: if view.name.is_empty() { user } else { view.name }.to_owned(),
            state: view.state.to_owned(),
            activity: view.activity,
            own: view.own,
            // An editor with several shows its first.
            selection: view.cursor.and_then(|cursor| cursor.0.first().copied()),
        }
    }
}
