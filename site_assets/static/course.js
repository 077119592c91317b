/* What the pages do beyond the theme's own script: the menus at the top (instead of Bootstrap,
   81 KB for these), the drawers on a phone, wide things that a keyboard can scroll. */
(() => {
  "use strict";

  // Menus: a button and the list after it.
  const menus = [...document.querySelectorAll('[data-bs-toggle="dropdown"]')];

  function setOpen(button, open) {
    button.setAttribute("aria-expanded", String(open));
    button.classList.toggle("show", open);
    button.nextElementSibling?.classList.toggle("show", open);
  }

  function closeAll(except) {
    menus.filter((button) => button !== except).forEach((button) => setOpen(button, false));
  }

  for (const button of menus) {
    const items = () => [...button.nextElementSibling.querySelectorAll("a, button")];
    button.addEventListener("click", () => {
      closeAll(button);
      setOpen(button, button.getAttribute("aria-expanded") !== "true");
    });
    button.parentElement.addEventListener("keydown", (event) => {
      const open = button.getAttribute("aria-expanded") === "true";
      if (event.key === "Escape" && open) {
        setOpen(button, false);
        button.focus();
      } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        setOpen(button, true);
        const list = items();
        const step = event.key === "ArrowDown" ? 1 : -1;
        const place = list.indexOf(document.activeElement);
        list[place < 0 ? 0 : (place + step + list.length) % list.length]?.focus();
      }
    });
    button.parentElement.addEventListener("focusout", (event) => {
      if (event.relatedTarget && !button.parentElement.contains(event.relatedTarget)) {
        setOpen(button, false);
      }
    });
  }
  document.addEventListener("click", (event) => {
    closeAll(menus.find((button) => button.parentElement.contains(event.target)));
  });

  // A link in a drawer leads to the page below it: close the drawer.
  for (const drawer of document.querySelectorAll("dialog[id$=sidebar-modal]")) {
    drawer.addEventListener("click", (event) => {
      if (event.target.closest("a")) drawer.close();
    });
  }

  // What scrolls sideways can be reached with Tab and scrolled with the arrows.
  const SCROLLING = [
    ".bd-article pre",
    ".bd-article .output",
    ".bd-article .cell_output",
    ".bd-article .pst-scrollable-table-container",
    ".bd-article mjx-container",
    ".bd-article [style*='overflow']",
  ].join(", ");

  function reachable() {
    for (const box of document.querySelectorAll(SCROLLING)) {
      const wide = box.scrollWidth > box.clientWidth + 1;
      if (wide && /auto|scroll/.test(getComputedStyle(box).overflowX)) box.tabIndex = 0;
      else if (box.tabIndex === 0 && box.hasAttribute("tabindex")) box.removeAttribute("tabindex");
    }
  }
  let waiting = 0;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(reachable, 350);
  });
  addEventListener("load", () => setTimeout(reachable, 0));
})();
