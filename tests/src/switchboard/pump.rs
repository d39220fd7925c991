//! How things go on: whatever nothing holds back happens at once.

use cowrite_client::Output;
use cowrite_protocol::Millis;

use super::Switchboard;
use super::line::{Heading, Line, name};
use super::server::Server;

impl Switchboard {
    pub(super) fn due(&self) -> Option<Millis> {
        let people = self.people.iter().filter_map(|person| person.session.poll_timeout());
        let servers = self.servers.iter().filter_map(Server::due);
        let lines = self.lines.iter().filter(|line| line.far).filter_map(|line| line.connection.poll_timeout());
        people.chain(servers).chain(lines).min()
    }

    pub(super) fn wake(&mut self) {
        let now = self.now;
        let late = |due: Option<Millis>| due.is_some_and(|due| due <= now);
        for person in &mut self.people {
            if late(person.session.poll_timeout()) {
                person.session.handle_timeout(now, 0);
            }
        }
        self.servers.iter_mut().filter(|server| late(server.due())).for_each(|server| server.wake(now));
        for line in self.lines.iter_mut().filter(|line| line.far) {
            if late(line.connection.poll_timeout()) {
                line.connection.handle_timeout(now);
                self.servers[line.server].pump_connection(line, now);
            }
        }
    }

    /// Everything happens that nothing holds back.
    pub(super) fn settle(&mut self) {
        loop {
            let mut moved = false;
            for server in 0..self.servers.len() {
                moved |= self.servers[server].pump(&self.log, &self.document, self.now);
            }
            for person in 0..self.people.len() {
                moved |= self.pump_person(person);
            }
            for line in 0..self.lines.len() {
                moved |= self.pump_line(line);
            }
            if !moved {
                return;
            }
        }
    }

    fn pump_person(&mut self, index: usize) -> bool {
        let mut moved = false;
        while let Some(output) = self.people[index].session.poll_output() {
            moved = true;
            let (now, person) = (self.now, &mut self.people[index]);
            match output {
                Output::NeedToken => person.session.provide_token(&format!("dev:p{index}"), now),
                // Nobody answers.
                Output::Connect if person.in_hole => {}
                Output::Connect if self.servers[person.home].is_up() => {
                    person.line = Some(self.lines.len());
                    person.told.clear();
                    self.lines.push(Line::new(self.lines.len(), index, person.home, &self.settings, now));
                    person.session.handle_connected(now);
                }
                Output::Connect => person.session.handle_disconnected(now),
                Output::Send(message) => {
                    if let Some(line) = person.line {
                        self.lines[line].send_up(&message);
                    }
                }
                Output::Disconnect => {
                    if let Some(line) = person.line.take() {
                        let in_hole = person.in_hole;
                        self.lines[line].near = false;
                        // What falls into a hole is lost, the end of a connection too.
                        if !in_hole {
                            self.lines[line].break_off();
                            self.hang_up(line);
                        }
                    }
                }
                Output::Event(event) => person.hear(event),
                Output::Load { .. } | Output::Store { .. } => unreachable!("nothing is kept here"),
            }
        }
        moved
    }

    fn pump_line(&mut self, index: usize) -> bool {
        let mut moved = false;
        if let Some(frame) = self.lines[index].next(Heading::Up) {
            moved = true;
            let line = &mut self.lines[index];
            line.connection.handle_message(&frame, self.now);
            self.servers[line.server].pump_connection(line, self.now);
            self.count(index);
        }
        let ended = self.lines[index].fetch(&mut self.servers, self.now, &mut moved);
        if let Some(frame) = self.lines[index].next(Heading::Down) {
            moved = true;
            let person = &mut self.people[self.lines[index].person];
            person.told.extend(name(Heading::Down, &frame));
            person.session.handle_message(&frame, self.now);
            self.count(index);
        }
        if ended {
            // The server has said its last, and closes.
            moved = true;
            self.lines[index].far = false;
            self.hang_up(index);
        }
        let line = &self.lines[index];
        if !line.far && line.near && line.is_delivered() {
            moved = true;
            let person = line.person;
            self.lines[index].break_off();
            if self.people[person].line == Some(index) {
                self.people[person].line = None;
                self.people[person].session.handle_disconnected(self.now);
            }
        }
        moved
    }

    /// A frame has arrived on a line.
    fn count(&mut self, line: usize) {
        self.arrived += 1;
        let person = self.lines[line].person;
        if self.cut_at.take_if(|(cut, at)| *cut == person && *at <= self.arrived).is_some() {
            let Some(line) = self.people[person].line.take() else { return };
            self.lines[line].break_off();
            self.people[person].session.handle_disconnected(self.now);
            self.hang_up(line);
        }
    }

    /// The server of a line learns that it is gone.
    pub(super) fn hang_up(&mut self, line: usize) {
        let line = &mut self.lines[line];
        line.outbox.abandon();
        self.servers[line.server].disconnected(line.id, self.now);
    }
}
