//! What the front door is asked while the connection goes on.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use cowrite_protocol::frame::Code;
use cowrite_protocol::{Channel, ClientId, DocumentId};
use futures_util::stream::{FuturesUnordered, StreamExt};

use super::{RETRY_MS, SocketTask};
use crate::auth::{Denied, Granted, Identity};
use crate::connection::OpenRequest;
use crate::room::{OpenCommand, RoomCommand};

/// Questions that are under way. Most connections have none most of the time.
pub(super) type Questions = Option<Box<FuturesUnordered<Pin<Box<dyn Future<Output = Answer> + Send>>>>>;

/// What a user may do with a document.
pub(super) enum Answer {
    /// They want to open it.
    Open(Box<OpenRequest>, Box<Identity>, Result<Granted, Denied>),
    /// They have it open.
    Again(Channel, Result<Granted, Denied>),
}

impl SocketTask {
    pub(super) fn ask_role(&mut self, request: Box<OpenRequest>) {
        // The machine asks for nothing before it knows who this is.
        let Some(identity) = self.connection.identity().cloned().map(Box::new) else { return };
        let access = Arc::clone(&self.context.access);
        self.asking.get_or_insert_default().push(Box::pin(async move {
            let role = access.role(&identity, &request.document).await;
            Answer::Open(request, identity, role)
        }));
    }

    pub(super) fn ask_again(&mut self, channel: Channel, document: DocumentId) {
        let Some(identity) = self.connection.identity().cloned().map(Box::new) else { return };
        let access = Arc::clone(&self.context.access);
        self.asking.get_or_insert_default().push(Box::pin(async move {
            let role = access.role(&identity, &document).await;
            Answer::Again(channel, role)
        }));
    }

    pub(super) fn answered(&mut self, answer: Answer) {
        match answer {
            Answer::Again(channel, role) => self.connection.handle_role(channel, role, self.context.clock.now()),
            // The connection has ended meanwhile, perhaps since its user may do nothing any more.
            Answer::Open(..) if self.connection.identity().is_none() => {}
            Answer::Open(request, identity, Ok(granted)) => self.open(*request, *identity, granted),
            Answer::Open(request, _, Err(denied)) => {
                let (document, code) = (&request.document, denied.code.name());
                tracing::debug!(%document, request = request.request, code, "not opened");
                self.connection.refuse(request.request, denied.code, denied.retry_after_ms);
            }
        }
    }

    fn open(&mut self, request: OpenRequest, identity: Identity, granted: Granted) {
        tracing::debug!(document = %request.document, request = request.request, "opening");
        let client = match request.client {
            Some(client) => client,
            None => match random_client() {
                Some(client) => client,
                None => return self.connection.refuse(request.request, Code::Internal, RETRY_MS),
            },
        };
        let room = match self.context.hub.open(&request.document) {
            Ok(room) => room,
            Err(code) => return self.connection.refuse(request.request, code, RETRY_MS),
        };
        // Before the room hears of it: it may refuse at once, and that must not be missed.
        let now = self.context.clock.now();
        let permit = self.connection.handle_opening(room.number, &request.document, granted, now);
        self.rooms.insert(room.number, room.commands);
        let command = OpenCommand {
            connection: self.entry.id,
            outbox: Arc::clone(&self.outbox),
            request: request.request,
            client,
            user: identity.user,
            name: identity.name,
            permit,
            position: request.position,
            whole: request.whole,
            in_flight: request.in_flight,
            state: request.state,
        };
        self.deliver(room.number, RoomCommand::Open(Box::new(command)));
    }
}

/// The next answer; may be given up and asked for again.
pub(super) async fn answer_of(questions: &mut Questions) -> Answer {
    let answer = match questions {
        Some(under_way) => under_way.next().await,
        None => None,
    };
    match answer {
        Some(answer) => answer,
        None => {
            *questions = None;
            std::future::pending().await
        }
    }
}

fn random_client() -> Option<ClientId> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).ok()?;
    let client = ClientId::from_bytes(bytes);
    (!client.is_reserved()).then_some(client)
}
