"""Synthetic models with the features of published ones; the numbers mean nothing."""

# Rate rules on species, assignment rules, no unit of time, SBML Level 2.
POOLS_L2 = """<?xml version="1.0" encoding="UTF-8"?>
<sbml xmlns="http://www.sbml.org/sbml/level2/version4" level="2" version="4">
<model id="synthetic_pools">
 <listOfCompartments><compartment id="c" size="2"/></listOfCompartments>
 <listOfSpecies>
  <species id="B" compartment="c" initialConcentration="3"/>
  <species id="C" compartment="c" initialConcentration="0.5"/>
 </listOfSpecies>
 <listOfParameters>
  <parameter id="birth" value="0.2"/><parameter id="loss" value="0.1"/>
  <parameter id="coupling" value="0.05"/><parameter id="block" value="1"/>
  <parameter id="flow" constant="false"/>
 </listOfParameters>
 <listOfRules>
  <assignmentRule variable="flow"><math xmlns="http://www.w3.org/1998/Math/MathML">
   <apply><times/><ci>birth</ci><ci>block</ci></apply></math></assignmentRule>
  <rateRule variable="C"><math xmlns="http://www.w3.org/1998/Math/MathML">
   <apply><minus/><ci>flow</ci><apply><times/><ci>loss</ci><ci>C</ci></apply></apply>
   </math></rateRule>
  <rateRule variable="B"><math xmlns="http://www.w3.org/1998/Math/MathML">
   <apply><minus/><apply><times/><ci>coupling</ci><ci>C</ci></apply>
   <apply><times/><ci>loss</ci><ci>B</ci></apply></apply></math></rateRule>
 </listOfRules>
</model></sbml>
"""

# An event on a state whose trigger holds at time zero, local parameters, a function, hours.
EVENTS_L2 = """<?xml version="1.0" encoding="UTF-8"?>
<sbml xmlns="http://www.sbml.org/sbml/level2/version4" level="2" version="4">
<model id="synthetic_events">
 <listOfFunctionDefinitions><functionDefinition id="half">
  <math xmlns="http://www.w3.org/1998/Math/MathML"><lambda><bvar><ci>x</ci></bvar>
  <apply><divide/><ci>x</ci><cn>2</cn></apply></lambda></math></functionDefinition>
 </listOfFunctionDefinitions>
 <listOfUnitDefinitions><unitDefinition id="time"><listOfUnits>
  <unit kind="second" multiplier="3600"/></listOfUnits></unitDefinition></listOfUnitDefinitions>
 <listOfCompartments><compartment id="c" size="1"/></listOfCompartments>
 <listOfSpecies>
  <species id="x" compartment="c" hasOnlySubstanceUnits="true" initialAmount="8"/>
  <species id="z" compartment="c" hasOnlySubstanceUnits="true" initialAmount="100"/>
 </listOfSpecies>
 <listOfParameters><parameter id="flag" value="0" constant="false"/></listOfParameters>
 <listOfReactions>
  <reaction id="decay" reversible="false">
   <listOfReactants><speciesReference species="x"/></listOfReactants>
   <kineticLaw><math xmlns="http://www.w3.org/1998/Math/MathML">
    <apply><times/><ci>k</ci><apply><ci>half</ci><ci>x</ci></apply></apply></math>
    <listOfParameters><parameter id="k" value="0.2"/></listOfParameters></kineticLaw></reaction>
 </listOfReactions>
 <listOfEvents>
  <event id="high"><trigger><math xmlns="http://www.w3.org/1998/Math/MathML">
   <apply><gt/><ci>x</ci><cn>1</cn></apply></math></trigger><listOfEventAssignments>
   <eventAssignment variable="flag"><math xmlns="http://www.w3.org/1998/Math/MathML">
    <cn>1</cn></math></eventAssignment></listOfEventAssignments></event>
  <event id="low"><trigger><math xmlns="http://www.w3.org/1998/Math/MathML">
   <apply><leq/><ci>x</ci><cn>1</cn></apply></math></trigger><listOfEventAssignments>
   <eventAssignment variable="flag"><math xmlns="http://www.w3.org/1998/Math/MathML">
    <cn>2</cn></math></eventAssignment></listOfEventAssignments></event>
 </listOfEvents>
</model></sbml>
"""

# An initial assignment that rests on a parameter through a function, and reactions.
CYCLE_ANT = """
// synthetic
model synthetic_cycle()
  compartment c = 3;
  species S in c, P in c;
  S = piecewise(start, start > 1, 1); P = 0;
  start = 4; k = 0.1; back = 0.05;
  forth: S -> P; c * k * S;
  back_again: P -> S; c * back * P;
end
"""

STUDY_HEADER = (
    "study,doi,pmid,arm,regimen,role,site,time_months,variable,comparison,value,unit,"
    "reference,lower,upper,interval,n,source_place,note\n"
)


def study_row(variable, months, value, regimen="untreated", arm="a", unit="fraction"):
    """Row of a synthetic study: a ratio to baseline."""
    return (
        f"synthetic,,,{arm},{regimen},fitted,serum,{months},{variable},equal,{value},{unit},"
        "baseline,,,,,made up,\n"
    )
