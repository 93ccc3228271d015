//! Which file imports what from which.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::source::Module;

/// The imports between the files of a crate, and between its top modules.
pub(crate) struct Graph {
    files: BTreeSet<PathBuf>,
    /// From a file to those it imports from, with the names.
    arrows: BTreeMap<PathBuf, BTreeMap<PathBuf, BTreeSet<String>>>,
    /// The same of the modules of the root.
    modules: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
    /// The modules of the root.
    top: BTreeSet<String>,
}

/// How many names a path may lead through, so that one that leads to itself ends.
const LONGEST: u8 = 16;

impl Graph {
    pub(crate) fn of(root: &Module) -> Self {
        let top = root.children.keys().cloned().collect();
        let mut graph =
            Self { files: BTreeSet::new(), arrows: BTreeMap::new(), modules: BTreeMap::new(), top };
        graph.add(root, root, &[]);
        graph
    }

    pub(crate) fn files(&self) -> usize {
        self.files.len()
    }

    fn add(&mut self, root: &Module, module: &Module, at: &[String]) {
        self.files.insert(module.file.clone());
        for path in module.imports.iter().chain(&module.paths) {
            let Some(found) = resolve(root, at, path, LONGEST) else { continue };
            let name = path.last().cloned().unwrap_or_default();
            self.arrow(module, at, &found, name);
        }
        for (name, child) in &module.children {
            self.add(root, child, &[at, std::slice::from_ref(name)].concat());
        }
    }

    fn arrow(&mut self, module: &Module, at: &[String], found: &Found<'_>, name: String) {
        if module.file != found.module.file {
            let from = self.arrows.entry(module.file.clone()).or_default();
            from.entry(found.module.file.clone()).or_default().insert(name);
        }
        if let (Some(from), Some(to)) = (at.first(), found.at.first())
            && from != to
        {
            let file = module.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            self.modules.entry(from.clone()).or_default().entry(to.clone()).or_default().insert(file);
        }
    }

    /// The circles among files, each with the arrows that tie it.
    pub(crate) fn circles(&self, root: &Path) -> Vec<String> {
        let shown = |path: &Path| path.strip_prefix(root).unwrap_or(path).display().to_string();
        let reachable: BTreeMap<&PathBuf, BTreeSet<&PathBuf>> =
            self.files.iter().map(|file| (file, self.reachable(file))).collect();
        let mut seen = BTreeSet::new();
        let mut circles = Vec::new();
        for file in &self.files {
            if seen.contains(file) || !reachable[file].contains(file) {
                continue;
            }
            let circle: BTreeSet<&PathBuf> = self
                .files
                .iter()
                .filter(|it| reachable[file].contains(it) && reachable[it].contains(file))
                .collect();
            let mut told = format!("a circle of {} files", circle.len());
            for from in &circle {
                for (to, names) in &self.arrows[*from] {
                    if circle.contains(to) {
                        let names = names.iter().cloned().collect::<Vec<_>>().join(", ");
                        told += &format!("\n  {} takes from {}: {names}", shown(from), shown(to));
                    }
                }
            }
            circles.push(told);
            seen.extend(circle);
        }
        circles
    }

    fn reachable(&self, from: &Path) -> BTreeSet<&PathBuf> {
        let mut reached = BTreeSet::new();
        let mut next = vec![from];
        while let Some(file) = next.pop() {
            for to in self.arrows.get(file).into_iter().flat_map(BTreeMap::keys) {
                if reached.insert(to) {
                    next.push(to);
                }
            }
        }
        reached
    }

    /// The imports of modules from their own layer or one above, and modules that are in no layer or
    /// in several.
    pub(crate) fn upward(&self, layers: &[Vec<String>]) -> Vec<String> {
        let level = |module: &str| layers.iter().position(|layer| layer.iter().any(|it| it == module));
        let mut faults = Vec::new();
        for module in &self.top {
            let times = layers.iter().flatten().filter(|it| *it == module).count();
            if times != 1 {
                faults.push(format!("`{module}` is in {times} layers of ARCHITECTURE.md"));
            }
        }
        for module in layers.iter().flatten().filter(|module| !self.top.contains(*module)) {
            faults.push(format!("there is no module `{module}`"));
        }
        for (from, imports) in &self.modules {
            for (to, files) in imports {
                if level(from) >= level(to) {
                    let files = files.iter().cloned().collect::<Vec<_>>().join(", ");
                    faults.push(format!("`{from}` imports from `{to}`, which is not below it ({files})"));
                }
            }
        }
        faults
    }
}

/// The module that defines a name, and its place in the crate.
struct Found<'a> {
    module: &'a Module,
    at: Vec<String>,
}

/// Finds where the last name of a path is defined, seen from the module `at`. Nothing if it is not of
/// this crate, or a module.
fn resolve<'a>(root: &'a Module, at: &[String], path: &[String], left: u8) -> Option<Found<'a>> {
    let left = left.checked_sub(1)?;
    let mut here = at.to_vec();
    let mut rest = path;
    match rest.first()?.as_str() {
        "crate" => (here, rest) = (Vec::new(), &rest[1..]),
        "self" => rest = &rest[1..],
        "super" => {
            while rest.first().is_some_and(|name| name == "super") {
                here.pop()?;
                rest = &rest[1..];
            }
        }
        _ => {}
    }
    while let Some((name, behind)) = rest.split_first() {
        let module = module_at(root, &here)?;
        if module.children.contains_key(name) {
            here.push(name.clone());
            rest = behind;
            continue;
        }
        if module.items.contains(name) {
            return Some(Found { module, at: here });
        }
        let used = module.uses.iter().filter(|(alias, _)| alias == name).map(|(_, path)| path.clone());
        let globs = module.uses.iter().filter(|(alias, _)| alias == "*").map(|(_, path)| {
            let mut path = path.clone();
            path.push(name.clone());
            path
        });
        return used
            .chain(globs)
            .map(|path| [&path, behind].concat())
            // A name that is imported under itself would be looked for here again.
            .filter(|path| path.as_slice() != rest)
            .find_map(|path| resolve(root, &here, &path, left));
    }
    None
}

fn module_at<'a>(root: &'a Module, at: &[String]) -> Option<&'a Module> {
    at.iter().try_fold(root, |module, name| module.children.get(name))
}
