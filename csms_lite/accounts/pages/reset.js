// The token stands behind the # of the address: no server, proxy or referrer ever sees it there.
"use strict";

const token = location.hash.slice(1);
history.replaceState(null, "", location.pathname);

const form = document.getElementById("form");
const said = document.getElementById("said");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const password = document.getElementById("password").value;
  if (password !== document.getElementById("again").value) {
    said.textContent = "These are two different passwords.";
    return;
  }
  try {
    const answer = await fetch("/api/auth/reset/answer", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ token, password }),
    });
    if (answer.ok) {
      form.remove();
      said.textContent = "Your password is changed. Sign in with it.";
    } else {
      said.textContent = (await answer.json()).detail;
    }
  } catch {
    said.textContent = "The server did not answer: try again.";
  }
});
