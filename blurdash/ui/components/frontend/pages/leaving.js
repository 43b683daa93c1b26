// @module leaving: nothing is asked while a page is being left.  Streamlit joins requests that wait for a
// busy server to one, and takes the page from the last of them: a question of the old page's sliders
// would undo a click on the name of another page.

import { bus } from "../bus.js";

const LEAVING_MS = 10_000; // by then the server has answered, or the click was lost
const LEAVING_LOOK_MS = 100;

/** The component, whose questions wait while the page is being left, and end with it. */
export function patient(component) {
  const later = (ask) => {
    const from = leavingFrom();
    if (!from) ask();
    else setTimeout(() => { if (location.pathname === from) later(ask); }, LEAVING_LOOK_MS);
  };
  return Object.assign(Object.create(component), {
    setStateValue: (name, value) => later(() => component.setStateValue(name, value)),
    setTriggerValue: (name, value) => later(() => component.setTriggerValue(name, value)),
  });
}

/** The path of the page that is being left; empty where none is. */
function leavingFrom() {
  const { leaving } = bus;
  if (!leaving) return "";
  const gone = location.pathname !== leaving.from || performance.now() - leaving.at > LEAVING_MS;
  if (gone) bus.leaving = null;
  return gone ? "" : leaving.from;
}

/** Notes a click on the name of another page, before anybody else hears of it. */
export function noteLeaving(event) {
  const link = event.target.closest?.("[data-testid=stTopNavLink], [data-testid=stSidebarNavLink]");
  if (!link?.href || new URL(link.href).pathname === location.pathname) return;
  bus.leaving = { from: location.pathname, at: performance.now() };
}
