//! `cargo xtask changelog`: the lines that commits wrote for the reader of CHANGELOG.md.

use crate::failure::Failure;
use crate::shell::Shell;
use crate::workspace::Workspace;

/// How a line in a commit's body begins, and the heading it goes under.
const KINDS: [(&str, &str); 3] = [("BREAKING:", "Breaking changes"), ("FEATURE:", "New"), ("FIX:", "Fixed")];

/// Prints the section of everything since the last tag.
pub(crate) fn changelog(workspace: &Workspace) -> Result<(), Failure> {
    let tags = Shell::new(workspace, "git", ["tag", "--list", "--merged", "HEAD", "--sort=-creatordate"]).output()?;
    // Before the first release every commit counts.
    let range = match tags.lines().next() {
        Some(tag) => format!("{tag}..HEAD"),
        None => "HEAD".to_owned(),
    };
    let bodies = Shell::new(workspace, "git", ["log", "--reverse", "--format=%b%x00", &range]).output()?;
    print!("{}", section(&bodies));
    Ok(())
}

/// The section made of commit bodies that a zero byte ends each.
fn section(bodies: &str) -> String {
    let mut entries: Vec<(usize, String)> = Vec::new();
    for body in bodies.split('\0') {
        // A note goes on over the following lines, to the end of its paragraph.
        let mut continues = false;
        for line in body.lines().map(str::trim) {
            let begun = KINDS
                .iter()
                .enumerate()
                .find_map(|(kind, (prefix, _))| Some((kind, line.strip_prefix(prefix)?.trim())));
            match (begun, entries.last_mut()) {
                (Some((kind, text)), _) => {
                    entries.push((kind, text.to_owned()));
                    continues = true;
                }
                (None, Some((_, text))) if continues && !line.is_empty() => {
                    text.push(' ');
                    text.push_str(line);
                }
                _ => continues = false,
            }
        }
    }

    let mut section = String::from("## Unreleased\n");
    for (kind, (_, heading)) in KINDS.iter().enumerate() {
        let mut under = entries.iter().filter(|(of, _)| *of == kind).peekable();
        if under.peek().is_some() {
            section.push_str(&format!("\n### {heading}\n\n"));
        }
        for (_, text) in under {
            section.push_str(&format!("- {text}\n"));
        }
    }
    section
}

#[cfg(test)]
mod tests {
    use super::section;

    #[test]
    fn notes_are_gathered_by_kind_in_the_order_of_commits() {
        let bodies = "Why.\n\nFIX: a crash\nwhen empty.\n\nMore.\0\nFEATURE: carets.\nFIX: two.\n\0";
        let expected = "## Unreleased\n\n### New\n\n- carets.\n\n### Fixed\n\n- a crash when empty.\n- two.\n";
        assert_eq!(section(bodies), expected);
        assert_eq!(section("Nothing to say.\n\0"), "## Unreleased\n");
    }
}
