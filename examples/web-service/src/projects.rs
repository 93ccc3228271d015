//! Projects: numbers from a sequence, pages with a cursor, changes that two users can make at once.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::{Json, response::IntoResponse};
use kv_runtime::store::Cursor;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::caller::Caller;
use crate::failure::Result;
use crate::model::{LastProject, Project};

#[derive(Deserialize)]
pub struct New {
    title: String,
}

/// What to change; what is not there stays.
#[derive(Deserialize)]
pub struct Change {
    title: Option<String>,
    is_archived: Option<bool>,
}

#[derive(Deserialize)]
pub struct From {
    cursor: Option<String>,
}

#[derive(Serialize)]
pub struct Page {
    projects: Vec<Project>,
    /// Of the next page, if there is one.
    cursor: Option<String>,
}

/// So many projects are on a page.
const PAGE: usize = 2;

pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(New { title }): Json<New>,
) -> Result<impl IntoResponse> {
    caller.may_write(&app).await?;
    let tenant = caller.tenant;
    let first = || LastProject { tenant: tenant.clone(), number: 1 };
    let last = app.kv.collection::<LastProject>().upsert(&tenant, first, |last| last.number += 1).await?;
    let project = Project { number: last.number, title, is_archived: false, tenant: last.tenant };
    app.kv.collection().insert(&project).await?;
    Ok((StatusCode::CREATED, Json(project)))
}

pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(From { cursor }): Query<From>,
) -> Result<Json<Page>> {
    let projects = app.kv.collection::<Project>().list().within(&caller.tenant);
    let page = projects.limit(PAGE).cursor(cursor.map(Cursor::from_text)).page().await?;
    let cursor = page.cursor.map(|cursor| cursor.as_str().to_owned());
    Ok(Json(Page { projects: page.entities, cursor }))
}

pub async fn change(
    State(app): State<App>,
    caller: Caller,
    Path(number): Path<u64>,
    Json(change): Json<Change>,
) -> Result<Json<Project>> {
    caller.may_write(&app).await?;
    let Change { title, is_archived } = change;
    let projects = app.kv.collection::<Project>();
    let changed = projects.update((&caller.tenant, number), |project| {
        // This may run again, on what another request has written meanwhile.
        project.title = title.clone().unwrap_or_else(|| std::mem::take(&mut project.title));
        project.is_archived = is_archived.unwrap_or(project.is_archived);
    });
    Ok(Json(changed.await?))
}

pub async fn delete(State(app): State<App>, caller: Caller, Path(number): Path<u64>) -> Result<StatusCode> {
    caller.may_write(&app).await?;
    app.kv.collection::<Project>().delete((&caller.tenant, number)).await?;
    Ok(StatusCode::NO_CONTENT)
}
