<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>The guestbook, by {{ framework }}</title>
<link rel="icon" href="data:,">
<style>
  :root { color-scheme: light dark; }
  body { max-width: 38rem; margin: 2rem auto; padding: 0 1rem; font: 1.05rem/1.5 serif; }
  form, label { display: grid; gap: .4rem; }
  input, textarea, button { font: inherit; padding: .4rem; }
  li p { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
</style>
<h1>The guestbook, by {{ framework }}</h1>
<p>{{ framework }} is called as {{ interface }}. Served by {{ server }}.</p>
<form method="post" action="entries">
  <label>Your name <input name="name" value="{{ name }}" required maxlength="80"></label>
  <label>Your message <textarea name="message" required maxlength="1000" rows="3">
{{ message }}</textarea></label>
  <p role="alert">{{ refused }}</p>
  <button>Sign</button>
</form>
<ol>
  % for entry in entries:
  <li><p>{{ entry["message"] }}</p>{{ entry["name"] }}, <time>{{ entry["at"] }}</time></li>
  % end
</ol>
