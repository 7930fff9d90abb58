// Says that Caps Lock is on while a password is typed.
"use strict";

for (const kind of ["keydown", "keyup"]) document.addEventListener(kind, (event) => {
  if (event.getModifierState) document.getElementById("caps").hidden = !event.getModifierState("CapsLock");
});
