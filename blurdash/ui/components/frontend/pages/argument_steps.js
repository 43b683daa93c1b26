// @module argument steps: the scenes at the foot of the page, a bar for each press inside them.

import { setText, textElement } from "../widgets/texts.js";

/** The steps of one page. */
export class SceneSteps {
  /**
   * @param {HTMLElement} list
   * @param {HTMLButtonElement[]} buttons back and next
   * @param {(scene: string) => void} goTo
   */
  constructor(list, [back, next], goTo) {
    Object.assign(this, { list, back, next, goTo });
  }

  /**
   * @param {{id: string, title: string, presses: string[]}[]} scenes
   * @param {string} now the scene that is told
   * @param {number} step how many presses have come inside it
   */
  paint(scenes, now, step) {
    if (this.list.childElementCount !== scenes.length) this.list.replaceChildren(...scenes.map((scene) => this.build(scene)));
    const at = scenes.findIndex(({ id }) => id === now);
    scenes.forEach(({ id }, i) => {
      const item = this.list.children[i];
      const button = item.querySelector("button");
      if (id === now) button.setAttribute("aria-current", "step");
      else button.removeAttribute("aria-current");
      item.querySelectorAll("i").forEach((bar, j) => { bar.dataset.state = stateOf([i, j], [at, step]); });
    });
    const { presses } = scenes[at];
    this.back.disabled = at === 0;
    this.next.disabled = at === scenes.length - 1 && step >= presses.length;
    setText(this.next, `${presses[step] ?? "Next"} →`);
  }

  build({ id, title, presses }) {
    const item = document.createElement("li");
    const bars = textElement("span", "ba-bars", "");
    bars.append(...[null, ...presses].map(() => document.createElement("i")));
    const button = textElement("button", "", title);
    button.type = "button";
    button.onclick = () => this.goTo(id);
    item.append(bars, button);
    return item;
  }
}

/** Whether a press is over, is now, or is to come. */
function stateOf([scene, press], [at, step]) {
  if (scene < at || (scene === at && press < step)) return "done";
  return scene === at && press === step ? "now" : "";
}
