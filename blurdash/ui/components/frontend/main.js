// @module main: brings all scripts of the page, and lets its other components call them.
//
// It comes with the stage, once; the other components are a line each (see browser.py).

import { mountArgument } from "./pages/argument.js";
import { noteLeaving, patient } from "./pages/leaving.js";
import { mountSweeps } from "./pages/sweeps.js";
import { bus } from "./bus.js";
import { takeServed } from "./pictures/served.js";
import { mountStage } from "./pictures/stage.js";
import { mountCarrier } from "./widgets/carrier.js";
import { mountControls, takeCurve } from "./widgets/controls.js";
import { mountFaces } from "./widgets/faces.js";
import { mountIntake } from "./widgets/intake.js";
import { mountSlot } from "./widgets/readouts.js";
import { takeScene } from "./widgets/scene.js";

/** Hands over what the components call, and says so to those that wait. */
function publish() {
  if (!bus.patient) document.addEventListener("click", noteLeaving, true);
  Object.assign(bus, { patient, mountControls, mountSlot, takeCurve, takeScene, takeServed, mountFaces, mountIntake, mountCarrier, mountArgument, mountSweeps });
  bus.dispatchEvent(new Event("ready"));
}

publish();

/** Without data it only brings the scripts, on a page that has no stage. */
const mount = (component) => (component.data ? mountStage(component) : undefined);

export default mount;
