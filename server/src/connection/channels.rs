//! The channels of one connection, kept as small as most of them are: one.

use cowrite_protocol::Channel;

use super::ChannelUp;

/// Channels by their number. A list in order, which has room for what is there and little more: a tree would keep
/// eleven places for the one document that most have open, a kilobyte of every connection. At the most that a
/// connection may have open, a list is searched as fast.
#[derive(Debug, Default)]
pub(super) struct Channels(Vec<(Channel, ChannelUp)>);

impl Channels {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn contains(&self, channel: Channel) -> bool {
        self.find(channel).is_ok()
    }

    pub(super) fn get(&self, channel: Channel) -> Option<&ChannelUp> {
        self.find(channel).ok().map(|at| &self.0[at].1)
    }

    pub(super) fn get_mut(&mut self, channel: Channel) -> Option<&mut ChannelUp> {
        self.find(channel).ok().map(|at| &mut self.0[at].1)
    }

    /// Puts it in the place of what had that number before.
    pub(super) fn insert(&mut self, channel: Channel, open: ChannelUp) {
        match self.find(channel) {
            Ok(at) => self.0[at].1 = open,
            Err(at) => {
                if self.0.len() == self.0.capacity() {
                    self.0.reserve_exact(1 + self.0.len() / 2);
                }
                self.0.insert(at, (channel, open));
            }
        }
    }

    pub(super) fn remove(&mut self, channel: Channel) -> Option<ChannelUp> {
        self.find(channel).ok().map(|at| self.0.remove(at).1)
    }

    /// In the order of their numbers.
    pub(super) fn numbers(&self) -> impl Iterator<Item = Channel> {
        self.0.iter().map(|(channel, _)| *channel)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &ChannelUp> {
        self.0.iter().map(|(_, open)| open)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (Channel, &mut ChannelUp)> {
        self.0.iter_mut().map(|(channel, open)| (*channel, open))
    }

    fn find(&self, channel: Channel) -> Result<usize, usize> {
        self.0.binary_search_by_key(&channel, |(channel, _)| *channel)
    }
}

#[cfg(test)]
mod tests {
    use cowrite_protocol::Millis;
    use cowrite_protocol::frame::Role;

    use super::super::right::Right;
    use super::*;
    use crate::auth::Granted;

    fn open(document: &str) -> ChannelUp {
        let granted = Granted { role: Role::Editor, for_ms: None };
        ChannelUp {
            parts: Default::default(),
            right: Right::new(document.parse().unwrap(), granted, Millis(u64::MAX), Millis(0)),
        }
    }

    #[test]
    fn they_are_found_whatever_the_order_they_came_in() {
        let mut channels = Channels::default();
        for number in [5, 1, 9, 3, 7] {
            channels.insert(Channel(number), open(&format!("d{number}")));
        }
        channels.insert(Channel(3), open("another"));
        assert_eq!(channels.numbers().collect::<Vec<_>>(), [1, 3, 5, 7, 9].map(Channel));
        assert_eq!(channels.get(Channel(3)).unwrap().right.document().as_str(), "another");
        assert!(channels.remove(Channel(5)).is_some() && channels.remove(Channel(5)).is_none());
        assert!(!channels.contains(Channel(5)) && channels.contains(Channel(9)) && channels.get(Channel(2)).is_none());
        assert_eq!(channels.len(), 4);
    }

    #[test]
    fn one_document_takes_one_place() {
        let mut channels = Channels::default();
        channels.insert(Channel(0), open("d"));
        assert_eq!(channels.0.capacity(), 1);
        assert!(size_of::<(Channel, ChannelUp)>() <= 128, "{} bytes", size_of::<(Channel, ChannelUp)>());
    }
}
