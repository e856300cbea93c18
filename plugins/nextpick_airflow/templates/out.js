for (const part of document.querySelectorAll("[data-part]"))
  fetch(part.dataset.part)
    .then((answer) => (answer.ok ? answer.text() : Promise.reject()))
    .then((html) => { part.innerHTML = html; })
    .catch(() => { part.textContent = "This part could not be fetched. Load the page again."; });
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[target]");
  if (!link || window.parent === window) return;
  event.preventDefault();
  const out = window.parent.document.createElement("a");
  Object.assign(out, { href: link.href, target: link.target, rel: "noopener noreferrer" });
  out.click();
});
