//! What a program is told instead of JSON.

use std::rc::Rc;

use cowrite_client::{DocumentHandle, Event, LinkState, Output, SessionEvent};
use cowrite_protocol::RichText;

/// Something that the session asks of the program, or tells it.
pub(crate) enum Happening {
    /// A token is wanted.
    NeedToken,
    /// The connection changed.
    Link(LinkState),
    /// Something happened to a document.
    Document(DocumentHandle, Event<RichText>),
}

/// Who is told.
pub(crate) type Program = Rc<dyn Fn(Happening)>;

impl Happening {
    /// What of the session's outputs is the program's; the others are the driver's own.
    pub(crate) fn of(output: Output<RichText>) -> Result<Happening, Output<RichText>> {
        match output {
            Output::NeedToken => Ok(Happening::NeedToken),
            Output::Event(SessionEvent::Link(state)) => Ok(Happening::Link(state)),
            Output::Event(SessionEvent::Document(handle, event)) => Ok(Happening::Document(handle, event)),
            output => Err(output),
        }
    }
}
