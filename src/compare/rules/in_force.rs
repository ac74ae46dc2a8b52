//! The rules that hold: those of the file, then those that were added where there is no file.

use super::{Rule, Rules};

/// Rules of the file first.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct InForce {
    all: Rules,
    of_file: usize,
}

impl InForce {
    pub(crate) fn new(file: &Rules, own: &Rules) -> Self {
        let all = file.iter().chain(own.iter()).cloned().collect();
        Self {
            all: Rules(all),
            of_file: file.len(),
        }
    }

    pub(crate) fn all(&self) -> &Rules {
        &self.all
    }

    /// Whether the rule of this number stands in the file.
    pub(crate) fn is_of_file(&self, number: usize) -> bool {
        number < self.of_file
    }

    /// Those that stand in no file.
    pub(crate) fn own(&self) -> Rules {
        Rules(self.all.iter().skip(self.of_file).cloned().collect())
    }

    /// The same with other rules of the file.
    #[must_use]
    pub(crate) fn with_file(&self, file: &Rules) -> Self {
        Self::new(file, &self.own())
    }

    /// The same with one more that stands in no file; `None` where there are too many.
    #[must_use]
    pub(crate) fn with(&self, rule: Rule) -> Option<Self> {
        let mut more = self.clone();
        more.all.0.push(rule);
        (more.all.len() <= Rules::MOST).then_some(more)
    }

    /// The same without the one of this id; `None` where there is none, or it stands in the file.
    #[must_use]
    pub(crate) fn without(&self, id: &str) -> Option<Self> {
        let at = self.all.ids().iter().position(|known| known == id)?;
        if self.is_of_file(at) {
            return None;
        }
        let mut less = self.clone();
        less.all.0.remove(at);
        Some(less)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_stays_when_the_file_changes_and_goes_by_its_id() {
        let file = Rules::parse("[[rule]]\nplace = \"$.x\"\naction = \"ignore\"").unwrap();
        let rule = file.iter().next().unwrap().clone();
        let rules = InForce::new(&file, &Rules::default())
            .with(rule.clone())
            .unwrap();
        let ids = rules.all().ids();
        assert_eq!(ids, [rule.id(), format!("{}-2", rule.id())]);
        assert_eq!(rules.without(&ids[0]), None, "it stands in the file");
        assert_eq!(rules.without("r-00000000"), None);
        let without_file = rules.with_file(&Rules::default());
        assert_eq!(without_file.all().ids(), [rule.id()]);
        assert_eq!(without_file.without(&rule.id()), Some(InForce::default()));
        assert_eq!(rules.without(&ids[1]).unwrap().own(), Rules::default());
    }
}
