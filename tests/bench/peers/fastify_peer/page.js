// The page of open questions: what templates/questions.html shows.
const ESCAPED = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;' }
const escape = text => String(text).replace(/[&<>"']/g, found => ESCAPED[found])

// A UTC time as the site's people read it.
function local (text) {
  const at = new Date(Date.parse(text.replace(' ', 'T') + 'Z') + 8 * 3600e3)
  return at.toISOString().slice(0, 16).replace('T', ' ')
}

const meta = question => `<p class="meta">
  <span dir="auto">${escape(question.owner_name)}</span>
  <time>${local(question.create_time)}</time>
  ${question.closes_at ? `<span>截止 <time>${local(question.closes_at)}</time></span>` : ''}
</p>`

const choice = row => `<label class="choice" for="choice-${row.id}">
  <input type="radio" name="choice_id" id="choice-${row.id}" value="${row.id}" required>
  <span dir="auto">${escape(row.choice_text)}</span>
</label>
`

const form = (question, text) => `<form method="post" action="/questions/${question.id}/vote">
  <input type="hidden" name="request_id" value="${question.request_id}">
  <fieldset>
    <legend><h2 dir="auto">${text}</h2></legend>
    ${meta(question)}
    ${question.choices.map(choice).join('')}
  </fieldset>
  <div class="actions">
    <button class="btn btn-primary" type="submit">投票<span class="visually-hidden">：<bdi>${text}</bdi></span></button>
    <a href="/questions/${question.id}/results">看结果<span class="visually-hidden">：<bdi>${text}</bdi></span></a>
  </div>
</form>`

const voted = (question, text) => `<p class="actions">
  <span class="badge badge-done">已投票</span>
  <a href="/questions/${question.id}/results">看结果<span class="visually-hidden">：<bdi>${text}</bdi></span></a>
</p>`

const draft = '<p class="actions"><span class="badge badge-draft">草稿</span>\n' +
  '<span class="quiet">还没有选项，暂时不能投票。</span></p>'

function card (question) {
  const text = escape(question.question_text)
  const inner = question.choices.length && !question.voted
    ? form(question, text)
    : `<h2 dir="auto">${text}</h2> ${meta(question)} ${question.voted ? voted(question, text) : draft}`
  return `<div class="card" id="question-${question.id}"> ${inner} </div>\n`
}

export const page = (user, questions, older) => `<!doctype html>
<html lang="zh-CN">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>问答</title>
  <link rel="icon" href="/static/favicon.svg" type="image/svg+xml">
  <link rel="stylesheet" href="/static/css/bootstrap.min.css">
  <link rel="stylesheet" href="/static/css/vote.css">
</head>
<body>
<a class="skip-link" href="#content">跳到正文</a>
<header class="site-header">
  <div class="page site-bar">
    <a class="brand" href="/">投票</a>
    <div class="account">
      <span class="account-name" title="${escape(user.name)}" dir="auto">${escape(user.name)}</span>
      <form method="post" action="/logout">
        <button class="btn btn-outline-secondary btn-sm" type="submit">退出</button>
      </form>
    </div>
  </div>
  <nav class="page site-nav" aria-label="主导航">
    <ul>
      <li><a href="/">首页</a></li>
      <li><a href="/questions" aria-current="page">问答</a></li>
      <li><a href="/questions/mine">我的问题</a></li>
      <li><a href="/questions/new">提问</a></li>
    </ul>
  </nav>
</header>
<main class="page" id="content" tabindex="-1">
<div class="page-head">
  <h1>问答</h1>
  <a class="btn btn-outline-secondary" href="/questions/new">我要提问</a>
</div>
${questions.map(card).join('')}
${older ? `<nav class="pager" aria-label="翻页"><a href="/questions?before=${older}" rel="next">更早的问题</a></nav>` : ''}
</main>
<footer class="page site-footer">
  <p>每人每题一票，投出后不能更改。</p>
</footer>
</body>
</html>
`
