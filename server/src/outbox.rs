//! What waits for one connection's socket, bounded.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use cowrite_protocol::Channel;
use cowrite_protocol::codec::encode_server;
use cowrite_protocol::frame::{Code, Packed, ServerFrame};
use tokio::sync::Notify;

use crate::auth::Permit;

/// Encoded frames that wait for a connection's socket, filled by its rooms and emptied
/// by the task that writes.
///
/// Commits and cursors are *offered* and may be refused when the bound is reached: the
/// room then lets the channel fall behind, and composes what it missed once it drained;
/// what it is *led on* by counts as offered, so that of many channels one is led on at a
/// time. Everything else is *pushed*: it is bounded by what the connection itself has asked
/// for. Large frames go in parts, one transfer a channel, between other channels' frames.
/// Those that were offered count against each other to the last part, or each of a
/// thousand documents could add a large edit of its own.
#[derive(Debug)]
pub struct Outbox {
    state: Mutex<State>,
    ready: Notify,
    bound: usize,
    part_bytes: usize,
}

#[derive(Debug, Default)]
struct State {
    frames: VecDeque<Waiting>,
    bytes: usize,
    /// Bytes that are still to go of transfers that were offered, which are not among the others: small
    /// frames pass between the parts.
    transferring: usize,
    /// How many of those that wait answer something that the peer has sent.
    answers: usize,
    transfers: VecDeque<Transfer>,
    /// Frames that were ever queued, and taken.
    queued: u64,
    taken: u64,
    lagging: Vec<Channel>,
    closed: Vec<(Channel, Permit)>,
    end: Option<(Code, u32)>,
    gone: bool,
}

impl State {
    /// Whether so little waits that channels may be led on.
    fn is_drained(&self, bound: usize) -> bool {
        self.bytes.max(self.transferring) <= bound / 2
    }
}

#[derive(Debug)]
struct Waiting {
    frame: Bytes,
    answer: bool,
}

/// A large frame on its way, and the frames of its channel that must come after it.
#[derive(Debug)]
struct Transfer {
    channel: Channel,
    whole: Bytes,
    offset: usize,
    /// It was asked for, and does not count.
    answer: bool,
    /// How many frames were queued before it: it may not overtake them.
    behind: u64,
    after: Vec<Waiting>,
}

impl Transfer {
    /// What of it counts still.
    fn held(&self) -> usize {
        if self.answer { 0 } else { self.whole.len() - self.offset }
    }
}

/// What the writing task is to do next.
#[derive(Debug, Default)]
pub struct Taken {
    /// Frames to write, in order.
    pub frames: Vec<Bytes>,
    /// Channels whose rooms are to hear that the queue has drained.
    pub drained: Vec<Channel>,
    /// Channels that their rooms have closed, each with the permit that it was opened with.
    pub closed: Vec<(Channel, Permit)>,
    /// The connection is to end after these frames, for this reason and with this retry
    /// time in milliseconds.
    pub end: Option<(Code, u32)>,
}

/// A queue of so many frames keeps its place when it is empty.
const FEW: usize = 16;

/// What it takes to keep one small frame, beside its bytes.
const KEEPING_BYTES: usize = 96;

impl Outbox {
    /// An empty queue of at most `bound` bytes of offered frames, with parts of at most
    /// `part_bytes`.
    pub fn new(bound: usize, part_bytes: usize) -> Outbox {
        Outbox { state: Mutex::default(), ready: Notify::new(), bound, part_bytes }
    }

    /// Queues a frame unless the bound is reached; returns whether it was queued. A frame
    /// larger than the bound is queued when nothing else waits, or it never would be.
    pub fn offer(&self, channel: Channel, frame: Bytes) -> bool {
        let mut state = self.lock();
        // Small frames cost more to keep than they have bytes, which all their receivers share.
        let transferring = if frame.len() > self.part_bytes { state.transferring } else { 0 };
        let held = state.bytes + state.frames.len() * size_of::<Waiting>() + transferring;
        if state.gone || state.bytes + transferring > 0 && held + frame.len() > self.bound {
            return false;
        }
        self.queue(&mut state, Some(channel), frame, false);
        true
    }

    /// Queues what a channel has missed, whatever waits already. Nobody asked for it, so it counts
    /// as what is offered: other channels are led on when it has gone out.
    pub fn lead_on(&self, channel: Channel, frame: Bytes) {
        let mut state = self.lock();
        self.queue(&mut state, Some(channel), frame, false);
    }

    /// Queues a frame of a channel, whatever waits already.
    pub fn push(&self, channel: Channel, frame: Bytes) {
        let mut state = self.lock();
        self.queue(&mut state, Some(channel), frame, true);
    }

    /// Queues a frame of the connection itself.
    pub fn push_own(&self, frame: Bytes) {
        let mut state = self.lock();
        self.queue(&mut state, None, frame, true);
    }

    /// The room of this channel wants to hear when there is room again.
    pub fn await_drain(&self, channel: Channel) {
        let mut state = self.lock();
        if !state.lagging.contains(&channel) {
            state.lagging.push(channel);
        }
        drop(state);
        self.ready.notify_one();
    }

    /// The room has closed the channel that was opened with this permit; the connection forgets it.
    pub fn channel_closed(&self, channel: Channel, opened_with: Permit) {
        self.lock().closed.push((channel, opened_with));
        self.ready.notify_one();
    }

    /// Drops what remains of a transfer of this channel, with all that waits behind it.
    pub fn cancel(&self, channel: Channel) {
        let mut state = self.lock();
        let state = &mut *state;
        state.lagging.retain(|lagging| *lagging != channel);
        state.transfers.retain(|transfer| {
            let kept = transfer.channel != channel;
            if !kept {
                state.transferring -= transfer.held();
                for waiting in &transfer.after {
                    state.bytes -= waiting.frame.len();
                    state.answers -= usize::from(waiting.answer);
                }
            }
            kept
        });
    }

    /// Drops all that waits: its receiver may not have it any more.
    pub fn discard(&self) {
        let mut state = self.lock();
        let State { closed, end, gone, .. } = std::mem::take(&mut *state);
        *state = State { closed, end, gone, ..State::default() };
    }

    /// Ends the connection for a reason, after what is queued.
    pub fn end(&self, code: Code, retry_after_ms: u32) {
        self.lock().end.get_or_insert((code, retry_after_ms));
        self.ready.notify_one();
    }

    /// The socket is gone: nothing is queued any more.
    pub fn abandon(&self) {
        let mut state = self.lock();
        *state = State { gone: true, ..State::default() };
    }

    /// Whether so little waits that a channel may be led on.
    pub fn has_room(&self) -> bool {
        self.lock().is_drained(self.bound)
    }

    /// Bytes that wait, with what it takes to keep answers: those are as many as the peer asks for, and
    /// mostly smaller than their keeping.
    pub fn burden(&self) -> usize {
        let state = self.lock();
        state.bytes + state.answers * KEEPING_BYTES
    }

    /// Bytes that wait, but for large frames that were asked for.
    pub fn bytes(&self) -> usize {
        let state = self.lock();
        state.bytes + state.transferring
    }

    /// Whether [`Outbox::take`] would give anything.
    pub fn has_work(&self) -> bool {
        let state = self.lock();
        let drained = !state.lagging.is_empty() && state.is_drained(self.bound);
        drained
            || !state.frames.is_empty()
            || !state.transfers.is_empty()
            || !state.closed.is_empty()
            || state.end.is_some()
    }

    /// Takes about `most` bytes of frames, at least one if any waits.
    pub fn take(&self, most: usize) -> Taken {
        let mut state = self.lock();
        let mut taken = Taken { closed: std::mem::take(&mut state.closed), ..Taken::default() };
        let mut size = 0;
        // One part first, or a busy connection would never get to them.
        let mut part_next = state.transfers.front().is_some_and(|transfer| transfer.behind <= state.taken);
        while size < most {
            if std::mem::take(&mut part_next)
                && let Some(part) = self.next_part(&mut state)
            {
                size += part.len();
                taken.frames.push(part);
            } else if let Some(Waiting { frame, answer }) = state.frames.pop_front() {
                state.answers -= usize::from(answer);
                state.taken += 1;
                state.bytes -= frame.len();
                size += frame.len();
                taken.frames.push(frame);
            } else if let Some(part) = self.next_part(&mut state) {
                size += part.len();
                taken.frames.push(part);
            } else {
                break;
            }
        }
        if state.is_drained(self.bound) {
            taken.drained = std::mem::take(&mut state.lagging);
        }
        if state.frames.is_empty() && state.frames.capacity() > FEW {
            // Who was slow once is not given its place for ever.
            state.frames = VecDeque::new();
        }
        if state.frames.is_empty() && state.transfers.is_empty() {
            taken.end = state.end;
        }
        taken
    }

    /// Waits until there may be something to take.
    pub async fn ready(&self) {
        self.ready.notified().await;
    }

    fn queue(&self, state: &mut State, channel: Option<Channel>, frame: Bytes, answer: bool) {
        if state.gone {
            return;
        }
        let transfer = state.transfers.iter_mut().find(|transfer| Some(transfer.channel) == channel);
        match (transfer, channel) {
            (Some(transfer), _) => {
                state.bytes += frame.len();
                state.answers += usize::from(answer);
                transfer.after.push(Waiting { frame, answer });
            }
            (None, Some(channel)) if frame.len() > self.part_bytes => {
                let behind = state.queued;
                let transfer = Transfer { channel, whole: frame, offset: 0, answer, behind, after: Vec::new() };
                state.transferring += transfer.held();
                state.transfers.push_back(transfer);
            }
            _ => {
                state.bytes += frame.len();
                state.queued += 1;
                state.answers += usize::from(answer);
                state.frames.push_back(Waiting { frame, answer });
            }
        }
        self.ready.notify_one();
    }

    /// The next part of the oldest transfer, which then goes behind the others.
    fn next_part(&self, state: &mut State) -> Option<Bytes> {
        let mut transfer = state.transfers.pop_front()?;
        let end = (transfer.offset + self.part_bytes).min(transfer.whole.len());
        let total = if transfer.offset == 0 { u32::try_from(transfer.whole.len()).ok() } else { None };
        let mut part = Vec::with_capacity(end - transfer.offset + 16);
        let bytes = Packed(&transfer.whole[transfer.offset..end]);
        encode_server(&ServerFrame::Part { channel: transfer.channel, total, bytes }, &mut part);
        state.transferring -= transfer.held();
        transfer.offset = end;
        state.transferring += transfer.held();
        if end < transfer.whole.len() {
            state.transfers.push_back(transfer);
        } else {
            for Waiting { frame, answer } in transfer.after {
                // What waited was counted when it came; it may be large itself.
                state.bytes -= frame.len();
                state.answers -= usize::from(answer);
                self.queue(state, Some(transfer.channel), frame, answer);
            }
        }
        Some(Bytes::from(part))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing below panics while it holds the lock, so a poisoned state is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(size: usize) -> Bytes {
        Bytes::from(vec![7; size])
    }

    #[test]
    fn what_is_offered_is_bounded_and_drains() {
        let outbox = Outbox::new(100, 1_000);
        assert!(outbox.offer(Channel(1), frame(60)));
        assert!(!outbox.offer(Channel(1), frame(60)));
        outbox.push(Channel(1), frame(60));
        outbox.await_drain(Channel(1));
        assert_eq!(outbox.take(1).drained, []);
        assert_eq!(outbox.take(1).drained, [Channel(1)]);
        assert_eq!(outbox.bytes(), 0);
    }

    #[test]
    fn a_frame_larger_than_the_bound_goes_alone() {
        let outbox = Outbox::new(10, 1_000);
        assert!(outbox.offer(Channel(1), frame(60)));
        assert!(!outbox.offer(Channel(1), frame(1)));
    }

    #[test]
    fn large_frames_of_many_documents_are_bounded_as_small_ones_are() {
        let outbox = Outbox::new(100, 10);
        assert!(outbox.offer(Channel(1), frame(60)));
        assert!(!outbox.offer(Channel(2), frame(60)), "a transfer waits too");
        outbox.await_drain(Channel(2));
        // It makes room as it goes out, part by part.
        let drained: Vec<_> = (0..6).map(|_| outbox.take(1).drained.len()).collect();
        assert_eq!(drained, [1, 0, 0, 0, 0, 0]);
        assert_eq!((outbox.bytes(), outbox.has_work()), (0, false));
        // One larger than the bound goes alone among the large ones, and counts no longer when it is dropped.
        assert!(outbox.offer(Channel(1), frame(200)));
        outbox.take(1);
        assert!(!outbox.offer(Channel(2), frame(11)) && !outbox.offer(Channel(1), frame(11)));
        assert!(outbox.offer(Channel(2), frame(10)) && outbox.offer(Channel(1), frame(10)), "small ones pass");
        outbox.cancel(Channel(1));
        assert_eq!(outbox.bytes(), 10);
    }

    #[test]
    fn what_was_asked_for_and_what_is_offered_do_not_bound_each_other() {
        let outbox = Outbox::new(100, 10);
        outbox.push(Channel(1), frame(200));
        assert!(outbox.offer(Channel(2), frame(60)) && outbox.offer(Channel(1), frame(40)));
        assert!(!outbox.offer(Channel(1), frame(40)));
        while outbox.has_work() {
            outbox.take(20);
        }
        assert_eq!(outbox.bytes(), 0);
    }

    #[test]
    fn while_one_channel_is_led_on_no_other_is() {
        let outbox = Outbox::new(100, 10);
        (1..=2).for_each(|channel| outbox.await_drain(Channel(channel)));
        assert_eq!(outbox.take(1).drained.len(), 2);
        outbox.lead_on(Channel(1), frame(200));
        outbox.await_drain(Channel(2));
        assert!(!outbox.has_room());
        let parts = std::iter::repeat_with(|| outbox.take(1)).take_while(|taken| taken.drained.is_empty()).count();
        assert_eq!((parts, outbox.bytes()), (14, 50));
    }

    #[test]
    fn answers_behind_a_transfer_count_as_those_before_it() {
        let outbox = Outbox::new(1_000, 10);
        outbox.push(Channel(1), frame(25));
        (0..3).for_each(|_| outbox.push(Channel(1), frame(2)));
        assert_eq!(outbox.burden(), 3 * (2 + KEEPING_BYTES));
        outbox.take(1_000);
        assert_eq!(outbox.burden(), 0);
        outbox.push(Channel(1), frame(25));
        outbox.push(Channel(1), frame(2));
        outbox.cancel(Channel(1));
        assert_eq!(outbox.burden(), 0);
    }

    #[test]
    fn a_transfer_lets_other_channels_pass_and_holds_its_own() {
        let outbox = Outbox::new(1_000, 10);
        outbox.push(Channel(1), frame(25));
        outbox.push(Channel(1), frame(3));
        outbox.push(Channel(2), frame(4));
        let sizes: Vec<usize> = outbox.take(1_000).frames.iter().map(Bytes::len).collect();
        // A part, the other channel's frame, two more parts, and only then its own frame.
        assert_eq!(sizes[1], 4);
        assert_eq!((sizes.len(), sizes.last()), (5, Some(&3)));
        assert_eq!(outbox.bytes(), 0);
    }

    #[test]
    fn a_transfer_overtakes_nothing_and_is_not_starved() {
        let outbox = Outbox::new(1_000, 10);
        outbox.push_own(frame(4));
        outbox.push(Channel(1), frame(25));
        assert_eq!(outbox.take(1).frames, [frame(4)], "what announces it comes first");
        let mut parts = 0;
        for _ in 0..3 {
            // Somebody always has something to say.
            outbox.push(Channel(2), frame(5));
            parts += outbox.take(1).frames.iter().filter(|frame| frame.len() > 5).count();
        }
        assert_eq!(parts, 3);
    }

    #[test]
    fn the_end_comes_after_what_waits() {
        let outbox = Outbox::new(1_000, 10);
        outbox.push_own(frame(4));
        outbox.end(Code::Malformed, 0);
        assert_eq!(outbox.take(1).end, Some((Code::Malformed, 0)));
    }
}
