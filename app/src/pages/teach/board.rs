use super::{TeachBar, loaded, waiting_notice};
use crate::{
    clock::server_time,
    components::teach::{Board, BoardPanel, ClassDesk, ClassFrame, ClassLive, WaitingRoom},
    error::BackendError,
    model::{
        Notice,
        teach::{BoardQuery, BoardView, Right},
    },
    teach_api::{self, BoardPage},
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};

/// The live board of a class.
#[component]
pub fn ClassBoard() -> impl IntoView {
    let (params, query) = (use_params_map(), use_query_map());
    let asked = Memo::new(move |_| {
        let class = params.with(|params| params.get("id").unwrap_or_default());
        let query = query.with(|query| {
            let part = |name: &str| query.get(name);
            BoardQuery::from_parts(
                part("sort").as_deref(),
                part("show").as_deref(),
                part("q").as_deref(),
                part("page").as_deref(),
            )
        });
        (class, query)
    });
    let data = Resource::new(move || asked.get(), |(class, query)| load(class, query));
    loaded(data, move |loaded| {
        view! { <Body loaded query=asked.with_untracked(|(_, query)| query.clone())/> }.into_any()
    })
}

async fn load(class: String, query: BoardQuery) -> Result<(BoardPage, Option<Notice>), BackendError> {
    Ok((teach_api::board(class, query).await?, waiting_notice().await))
}

#[component]
fn Body(loaded: (BoardPage, Option<Notice>), query: BoardQuery) -> impl IntoView {
    let (BoardPage { board, matching, total }, notice) = loaded;
    let BoardView { class, steps, rows, waiting } = board;
    let id = class.id.clone();
    ClassDesk::provide(id.clone(), format!("/teach/classes/{id}"), notice, Callback::new(|()| ()));
    let live = ClassLive::new(&class);
    live.waiting.set(waiting);
    let now = ticking(rows.read_at);
    let board = Board::new(id, steps, rows, query, now);
    #[cfg(feature = "hydrate")]
    Effect::new(move |_| board.come_alive(live));
    let may_help = class.role.may(Right::Help);
    let title = format!("{} · Headwater", class.name);
    view! {
        <Title text=title/>
        <TeachBar/>
        <ClassFrame class live>
            <WaitingRoom waiting=live.waiting may_help/>
            <BoardPanel board matching total/>
        </ClassFrame>
    }
    .into_any()
}

/// The server's time in steps of ten seconds, which is fine enough for minutes and spares the cells.
pub fn ticking(read_at: i64) -> Signal<i64> {
    let now = server_time(Signal::stored(Some(read_at)));
    Memo::new(move |_| now.get().map_or(read_at, |now| now - now.rem_euclid(10)).max(read_at)).into()
}
