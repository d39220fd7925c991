//! The rooms that one connection has to do with.

use std::collections::BTreeMap;

use cowrite_protocol::Channel;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::room::{ConnectionId, RoomCommand};

/// The ways to the rooms of a connection's channels. However the connection ends, each
/// room hears of it when this is dropped.
#[derive(Debug)]
pub(super) struct OpenRooms {
    connection: ConnectionId,
    rooms: BTreeMap<Channel, mpsc::Sender<RoomCommand>>,
}

impl OpenRooms {
    pub(super) fn new(connection: ConnectionId) -> OpenRooms {
        OpenRooms { connection, rooms: BTreeMap::new() }
    }

    pub(super) fn insert(&mut self, channel: Channel, commands: mpsc::Sender<RoomCommand>) {
        self.rooms.insert(channel, commands);
    }

    pub(super) fn get(&self, channel: Channel) -> Option<&mpsc::Sender<RoomCommand>> {
        self.rooms.get(&channel)
    }

    /// The channel has ended on both sides: the room needs to hear nothing.
    pub(super) fn remove(&mut self, channel: Channel) {
        self.rooms.remove(&channel);
    }

    /// The connection ends: every room hears of it.
    pub(super) fn leave(&mut self) {
        for (_, commands) in std::mem::take(&mut self.rooms) {
            let gone = RoomCommand::Disconnected { connection: self.connection };
            if let Err(TrySendError::Full(gone)) = commands.try_send(gone)
                && let Ok(runtime) = tokio::runtime::Handle::try_current()
            {
                // If the room ends meanwhile, it needs not hear it.
                runtime.spawn(async move { commands.send(gone).await });
            }
        }
    }
}

impl Drop for OpenRooms {
    fn drop(&mut self) {
        self.leave();
    }
}
