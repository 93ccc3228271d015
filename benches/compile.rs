//! What the derive costs the compiler: a crate of 100 entities of 8 fields, nothing called, in a debug build, against the same
//! structs with serde's two derives, and with native_db's macros. Dependencies are built before; the time is that of the crate alone.

mod support;

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use support::{Report, Result, by_turns, nanos_each};

const STRUCTS: usize = 100;
const ROUNDS: usize = 11;

fn main() -> Result<()> {
    let mut report = Report::new("compile");
    let workspace = Workspace::create(support::target_dir().join("bench-compile"))?;
    let mut compare = |case, peer, goal, theirs: &Crate| {
        report.case(case, peer, "ms/struct", goal, || {
            workspace.build(&OURS)?;
            workspace.build(theirs)?;
            by_turns(ROUNDS, || workspace.time(&OURS), || workspace.time(theirs))
        })
    };
    compare("per-struct", "serde's two derives", 1.6, &SERDE)?;
    compare("per-struct-native_db", "serde, native_model, native_db", 0.8, &NATIVE_DB)?;
    report.finish()
}

/// A crate of structs that differ from another's in their macros alone.
struct Crate {
    name: &'static str,
    dependencies: &'static str,
    /// What stands before the structs.
    head: &'static str,
    /// What stands before each struct, `{n}` being its number.
    on_struct: &'static str,
    /// What stands before its id.
    on_id: &'static str,
}

const OURS: Crate = Crate {
    name: "ours",
    dependencies: "kv-runtime = { path = '{root}/kv-runtime' }\n",
    head: "use kv_runtime::KvEntity;",
    on_struct: "#[derive(KvEntity)]\n#[kv(prefix = \"entity{n}\")]",
    on_id: "#[kv(id)]",
};

const SERDE: Crate = Crate {
    name: "serde-alone",
    dependencies: "serde = { version = '1', features = ['derive'] }\n",
    head: "use serde::{Deserialize, Serialize};",
    on_struct: "#[derive(Serialize, Deserialize)]",
    on_id: "",
};

const NATIVE_DB: Crate = Crate {
    name: "with-native-db",
    dependencies: "serde = { version = '1', features = ['derive'] }\nnative_db = '0.8.2'\nnative_model = '0.4.20'\n",
    head: "use native_db::{ToKey, native_db};\nuse native_model::{Model, native_model};\nuse serde::{Deserialize, Serialize};",
    on_struct: "#[derive(Serialize, Deserialize)]\n#[native_model(id = {n}, version = 1)]\n#[native_db]",
    on_id: "#[primary_key]",
};

impl Crate {
    fn manifest(&self) -> String {
        let dependencies = self.dependencies.replace("{root}", env!("CARGO_MANIFEST_DIR"));
        let name = self.name;
        format!(
            "[package]\nname = '{name}'\nversion = '0.0.0'\nedition = '2024'\n\n[dependencies]\n{dependencies}"
        )
    }

    fn source(&self) -> Result<String> {
        let mut source = format!("{}\n", self.head);
        for n in 1..=STRUCTS {
            let on_struct = self.on_struct.replace("{n}", &n.to_string());
            write!(
                source,
                "
{on_struct}
pub struct Entity{n} {{
    {}
    pub id: u64,
    pub name: String,
    pub email: Option<String>,
    pub logins: u32,
    pub balance: i64,
    pub is_active: bool,
    pub tags: Vec<String>,
    pub score: f64,
}}
",
                self.on_id
            )?;
        }
        Ok(source)
    }
}

/// The crates, with the dependencies of this repository's lock file.
struct Workspace {
    directory: PathBuf,
}

impl Workspace {
    fn create(directory: PathBuf) -> Result<Self> {
        let workspace = Self { directory };
        let directory = &workspace.directory;
        let crates = [OURS, SERDE, NATIVE_DB];
        for each in &crates {
            fs::create_dir_all(directory.join(each.name).join("src"))?;
            fs::write(directory.join(each.name).join("Cargo.toml"), each.manifest())?;
            fs::write(workspace.source_path(each), each.source()?)?;
        }
        let members = crates.map(|each| each.name);
        let manifest = format!("[workspace]\nmembers = {members:?}\nresolver = '3'\n");
        fs::write(directory.join("Cargo.toml"), manifest)?;
        fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock"), directory.join("Cargo.lock"))?;
        Ok(workspace)
    }

    fn source_path(&self, of: &Crate) -> PathBuf {
        self.directory.join(of.name).join("src/lib.rs")
    }

    /// Builds a crate and what it depends on.
    fn build(&self, of: &Crate) -> Result<()> {
        self.cargo(of, &[])
    }

    /// How many milliseconds the crate alone takes, for each of its structs.
    fn time(&self, of: &Crate) -> Result<f64> {
        // Cargo compiles a file that was written again.
        fs::write(self.source_path(of), of.source()?)?;
        let nanos = nanos_each(STRUCTS, || self.cargo(of, &["--offline"]))?;
        Ok(nanos / 1e6)
    }

    fn cargo(&self, of: &Crate, arguments: &[&str]) -> Result<()> {
        let status = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--package", of.name])
            .args(arguments)
            .current_dir(&self.directory)
            .env("CARGO_TARGET_DIR", self.directory.join("target"))
            .env("CARGO_INCREMENTAL", "0")
            .stdin(Stdio::null())
            .status()?;
        if status.success() { Ok(()) } else { Err(format!("{} is not built: {status}", of.name).into()) }
    }
}
