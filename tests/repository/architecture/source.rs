//! Reads the files of a crate: their modules, what each defines, and what it names.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};
use syn::{Attribute, Expr, ExprLit, Item, Lit, Meta, UseTree, Visibility};

use super::Result;

/// A module: a file, or a part of one.
pub(crate) struct Module {
    pub(crate) file: PathBuf,
    pub(crate) children: BTreeMap<String, Module>,
    /// The names of what it defines.
    pub(crate) items: BTreeSet<String>,
    /// What `use` brings in, by the name that it has here. `*` for all of a module.
    pub(crate) uses: Vec<(String, Vec<String>)>,
    /// The paths of those that are private. The others are what the module shows of its parts.
    pub(crate) imports: BTreeSet<Vec<String>>,
    /// Paths in code.
    pub(crate) paths: BTreeSet<Vec<String>>,
}

/// Reads the crate with this root file. Tests are left out.
pub(crate) fn read(root: &Path) -> Result<Module> {
    let folder = root.parent().ok_or("a root without a folder")?;
    read_file(root, folder)
}

/// Reads a file whose modules are in `folder`.
fn read_file(file: &Path, folder: &Path) -> Result<Module> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let parsed = syn::parse_file(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    read_items(parsed.items, file, folder)
}

fn read_items(items: Vec<Item>, file: &Path, folder: &Path) -> Result<Module> {
    let mut module = Module {
        file: file.to_owned(),
        children: BTreeMap::new(),
        items: BTreeSet::new(),
        uses: Vec::new(),
        imports: BTreeSet::new(),
        paths: BTreeSet::new(),
    };
    for item in items {
        match item {
            Item::Mod(inner) if is_for_tests(&inner.attrs) => {}
            Item::Mod(inner) => {
                let name = inner.ident.to_string();
                let child = match inner.content {
                    Some((_, items)) => read_items(items, file, &folder.join(&name))?,
                    None => {
                        let (file, folder) = place(&inner.attrs, &name, file, folder);
                        read_file(&file, &folder)?
                    }
                };
                module.children.insert(name, child);
            }
            Item::Use(used) => {
                let mut uses = Vec::new();
                flatten(&used.tree, &mut Vec::new(), &mut uses);
                if matches!(used.vis, Visibility::Inherited) {
                    module.imports.extend(uses.iter().map(|(_, path)| path.clone()));
                }
                module.uses.extend(uses);
            }
            item => {
                module.items.extend(name(&item));
                Paths(&mut module.paths).visit_item(&item);
            }
        }
    }
    Ok(module)
}

/// The file of a module that is declared in another one, and the folder of the modules in it.
fn place(attributes: &[Attribute], name: &str, declared_in: &Path, folder: &Path) -> (PathBuf, PathBuf) {
    if let Some(path) = attributes.iter().find_map(other_path) {
        let file = declared_in.parent().unwrap_or(folder).join(path);
        let folder = if file.ends_with("mod.rs") { file.parent().map(Path::to_owned) } else { None };
        let folder = folder.unwrap_or_else(|| file.with_extension(""));
        return (file, folder);
    }
    let own = folder.join(name);
    let file = folder.join(format!("{name}.rs"));
    if file.is_file() { (file, own) } else { (own.join("mod.rs"), own) }
}

/// The path of `#[path = ".."]`. One that depends on the target is for another one than this.
fn other_path(attribute: &Attribute) -> Option<String> {
    match &attribute.meta {
        Meta::NameValue(meta) if meta.path.is_ident("path") => match &meta.value {
            Expr::Lit(ExprLit { lit: Lit::Str(path), .. }) => Some(path.value()),
            _ => None,
        },
        _ => None,
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg") => {
            let condition = list.tokens.to_string();
            condition == "test" || condition.starts_with("all (test")
        }
        _ => false,
    })
}

fn name(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(ident.to_string())
}

fn flatten(tree: &UseTree, prefix: &mut Vec<String>, uses: &mut Vec<(String, Vec<String>)>) {
    let with = |prefix: &[String], last: &str| {
        let mut path = prefix.to_vec();
        if last != "self" || path.is_empty() {
            path.push(last.to_owned());
        }
        path
    };
    match tree {
        UseTree::Path(path) => {
            prefix.push(path.ident.to_string());
            flatten(&path.tree, prefix, uses);
            prefix.pop();
        }
        UseTree::Name(name) => {
            let path = with(prefix, &name.ident.to_string());
            uses.push((path.last().cloned().unwrap_or_default(), path));
        }
        UseTree::Rename(rename) => {
            uses.push((rename.rename.to_string(), with(prefix, &rename.ident.to_string())));
        }
        UseTree::Glob(_) => uses.push(("*".to_owned(), prefix.clone())),
        UseTree::Group(group) => group.items.iter().for_each(|tree| flatten(tree, prefix, uses)),
    }
}

/// Takes down the paths in code, those in functions' own `use` lines too.
struct Paths<'a>(&'a mut BTreeSet<Vec<String>>);

impl<'ast> Visit<'ast> for Paths<'_> {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            self.0.insert(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }

    fn visit_item_use(&mut self, used: &'ast syn::ItemUse) {
        let mut uses = Vec::new();
        flatten(&used.tree, &mut Vec::new(), &mut uses);
        self.0.extend(uses.into_iter().map(|(_, path)| path));
    }

    fn visit_vis_restricted(&mut self, _: &'ast syn::VisRestricted) {}

    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_item_mod(&mut self, inner: &'ast syn::ItemMod) {
        if !is_for_tests(&inner.attrs) {
            visit::visit_item_mod(self, inner);
        }
    }
}
